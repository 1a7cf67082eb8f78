"""A WHIP publisher and a WHEP player on GStreamer's webrtcbin: `publish|play URL TOKEN SECONDS`.

Prints a line of JSON when it is connected, and one of what was sent or received from then on.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

Gst.init(None)
OPUS = (
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,"
    "encoding-params=(string)2"
)
VP8 = "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"
SENDING = f"""
    webrtcbin name=web bundle-policy=max-bundle
    audiotestsrc is-live=true freq=440 volume=0.4 ! audioconvert ! audioresample !
        opusenc frame-size=20 ! rtpopuspay pt=111 ! web.
    videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 !
        vp8enc deadline=1 keyframe-max-dist=60 ! rtpvp8pay pt=96 picture-id-mode=2 ! {VP8} ! web.
"""


def ask(method, url, token, body=None, **headers):
    request = urllib.request.Request(url, data=body, method=method)
    request.add_header("Authorization", f"Bearer {token}")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        return urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"{refused.code} {refused.read().decode()}") from None


class Client:
    def __init__(self, what, url, token, seconds):
        self.url, self.token, self.seconds = url, token, seconds
        self.figures, self.resource, self.candidates = {}, None, []
        self.loop = GLib.MainLoop()
        if what == "publish":
            self.pipe = Gst.parse_launch(SENDING)
            self.web = self.pipe.get_by_name("web")
        else:
            self.pipe = Gst.Pipeline.new("play")
            self.web = Gst.ElementFactory.make("webrtcbin", "web")
            self.web.set_property("bundle-policy", "max-bundle")
            self.pipe.add(self.web)
            for caps in (OPUS, VP8):
                direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
                self.web.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
            self.web.connect("pad-added", self.coming)
        # libnice leaves loopback out unless it is named.
        self.ice = self.web.get_property("ice-agent")
        assert self.ice.emit("add-local-ip-address", "127.0.0.1")
        if what == "publish":
            self.each_transceiver_only_sends()
        self.web.connect("notify::ice-gathering-state", self.gathered)
        self.web.connect("on-negotiation-needed", self.offer)

    def each_transceiver_only_sends(self):
        index = 0
        while transceiver := self.web.emit("get-transceiver", index):
            direction = GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY
            transceiver.set_property("direction", direction)
            index += 1

    def offer(self, web):
        promise = Gst.Promise.new_with_change_func(self.offered, None)
        web.emit("create-offer", None, promise)

    def offered(self, promise, _):
        # The offer lives in the reply.
        reply = promise.get_reply()
        offer = reply["offer"]
        self.web.emit("set-local-description", offer, Gst.Promise.new())

    def gathered(self, web, _):
        if web.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.post)

    def post(self):
        offer = self.web.get_property("local-description").sdp.as_text()
        answer = ask("POST", self.url, self.token, offer.encode(), Content_Type="application/sdp")
        assert answer.status == 201
        self.resource = urllib.parse.urljoin(self.url, answer.headers["Location"])
        text = answer.read().decode()
        self.figures["codecs"] = [name for name in ("VP8", "opus", "H264") if f" {name}/".lower() in text.lower()]
        _, sdp = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.web.emit("set-remote-description", description, Gst.Promise.new())
        GLib.timeout_add(20, self.connected)
        return False

    def connected(self):
        state = self.web.get_property("connection-state")
        if state in (
            GstWebRTC.WebRTCPeerConnectionState.NEW,
            GstWebRTC.WebRTCPeerConnectionState.CONNECTING,
        ):
            return True
        assert state == GstWebRTC.WebRTCPeerConnectionState.CONNECTED, state
        print(json.dumps({"state": "connected"}), flush=True)
        self.figures.pop("frames", None)
        self.figures.pop("sounds", None)
        GLib.timeout_add(int(1000 * self.seconds), self.end)
        return False

    def coming(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0)["media"]
        decode = "rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE"
        if kind == "video":
            decode = "rtpvp8depay ! vp8dec"
        decoding = Gst.parse_bin_from_description(
            f"queue ! {decode} ! fakesink name=sink sync=false signal-handoffs=true", True
        )
        decoding.get_by_name("sink").connect("handoff", self.decoded, kind)
        self.pipe.add(decoding)
        decoding.sync_state_with_parent()
        pad.link(decoding.get_static_pad("sink"))

    def decoded(self, sink, buffer, _, kind):
        if kind == "video":
            size = sink.get_static_pad("sink").get_current_caps().get_structure(0)
            self.figures["size"] = f"{size['width']}x{size['height']}"
            self.figures["frames"] = self.figures.get("frames", 0) + 1
        else:
            samples = memoryview(buffer.extract_dup(0, buffer.get_size())).cast("h")
            loud = max(samples, default=0) > 700
            self.figures["sounds"] = self.figures.get("sounds", 0) + loud

    def end(self):
        self.web.emit("get-stats", None, Gst.Promise.new_with_change_func(self.told, None))
        return False

    def told(self, promise, _):
        stats = promise.get_reply()
        for place in range(stats.n_fields()):
            one = stats.get_value(stats.nth_field_name(place))
            if not isinstance(one, Gst.Structure) or not one.has_field("type"):
                continue
            kind = one.get_value("type")
            if kind == GstWebRTC.WebRTCStatsType.OUTBOUND_RTP:
                self.packets(one.get_value("packets-sent"))
            elif kind == GstWebRTC.WebRTCStatsType.INBOUND_RTP:
                self.packets(one.get_value("packets-received"))
        self.figures["state"] = self.web.get_property("connection-state").value_nick
        GLib.idle_add(self.finish)

    def packets(self, count):
        # A stream that only reports has none.
        if count:
            self.figures.setdefault("packets", []).append(count)

    def finish(self):
        srtp = find(self.pipe, "srtpenc")
        if srtp is not None:
            self.figures["profile"] = srtp.get_property("rtp-cipher").value_nick
        self.figures["deleted"] = ask("DELETE", self.resource, self.token).status
        self.loop.quit()
        return False

    def run(self):
        self.pipe.set_state(Gst.State.PLAYING)
        GLib.timeout_add_seconds(int(self.seconds) + 20, self.loop.quit)
        self.loop.run()
        self.pipe.set_state(Gst.State.NULL)
        print(json.dumps(self.figures), flush=True)


def find(pipe, kind):
    elements = pipe.iterate_recurse()
    while True:
        found, element = elements.next()
        if found != Gst.IteratorResult.OK:
            return None
        if element.get_factory() and element.get_factory().get_name() == kind:
            return element


Client(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])).run()
