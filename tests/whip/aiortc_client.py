"""A WHIP publisher and a WHEP player on aiortc: `publish|play URL TOKEN SECONDS`.

Prints a line of JSON when it is connected, and one of what was sent or received from then on.
"""

import asyncio
import fractions
import json
import sys
import time

import aioice.ice
import av
import numpy
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

# It leaves loopback out of its candidates, which is where these tests are.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]

WIDTH, HEIGHT, FRAMES_A_SECOND = 320, 240, 15
SAMPLES_A_SECOND, SAMPLES = 48000, 960


class Pattern(MediaStreamTrack):
    """Pictures that differ from one another."""

    kind = "video"

    def __init__(self):
        super().__init__()
        self.count, self.began = 0, time.time()

    async def recv(self):
        due = self.began + self.count / FRAMES_A_SECOND
        await asyncio.sleep(max(0, due - time.time()))
        pixels = numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8)
        place = self.count * 8 % (WIDTH - 32)
        pixels[:, :, 1] = 80
        pixels[64:128, place : place + 32] = (255, 255, 0)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts = self.count * 90000 // FRAMES_A_SECOND
        frame.time_base = fractions.Fraction(1, 90000)
        self.count += 1
        return frame


class Tone(MediaStreamTrack):
    """A tone of 440 Hz."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.count, self.began = 0, time.time()

    async def recv(self):
        due = self.began + self.count * SAMPLES / SAMPLES_A_SECOND
        await asyncio.sleep(max(0, due - time.time()))
        at = numpy.arange(self.count * SAMPLES, (self.count + 1) * SAMPLES)
        wave = 12000 * numpy.sin(2 * numpy.pi * 440 * at / SAMPLES_A_SECOND)
        frame = av.AudioFrame.from_ndarray(
            wave.astype(numpy.int16).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = SAMPLES_A_SECOND
        frame.pts = self.count * SAMPLES
        frame.time_base = fractions.Fraction(1, SAMPLES_A_SECOND)
        self.count += 1
        return frame


async def counted(track, figures):
    while True:
        frame = await track.recv()
        if track.kind == "video":
            figures["frames"] = figures.get("frames", 0) + 1
            figures["size"] = f"{frame.width}x{frame.height}"
        else:
            samples = frame.to_ndarray().astype(float)
            loudness = float(numpy.sqrt((samples**2).mean()))
            figures["sounds"] = figures.get("sounds", 0) + (loudness > 500)


def profile(connection):
    """The name that OpenSSL has for the SRTP profile agreed."""
    transport = connection.getTransceivers()[0].receiver.transport
    name = transport._ssl.get_selected_srtp_profile()
    return name.decode()


async def main(what, url, token, seconds):
    connection = RTCPeerConnection()
    figures, tasks = {}, []
    if what == "publish":
        connection.addTrack(Tone())
        connection.addTrack(Pattern())
    else:
        connection.addTransceiver("audio", direction="recvonly")
        connection.addTransceiver("video", direction="recvonly")

        @connection.on("track")
        def coming(track):
            tasks.append(asyncio.ensure_future(counted(track, figures)))

    await connection.setLocalDescription(await connection.createOffer())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with ClientSession() as http:
        offer = connection.localDescription.sdp
        async with http.post(url, data=offer, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 201, (answer.status, text)
            location, tag = answer.headers["Location"], answer.headers["ETag"]
        description = RTCSessionDescription(text, "answer")
        await connection.setRemoteDescription(description)
        resource = answer.url.join(type(answer.url)(location))
        while connection.connectionState != "connected":
            assert connection.connectionState in ("new", "connecting")
            await asyncio.sleep(0.02)
        print(json.dumps({"state": "connected"}), flush=True)
        figures.clear()
        await asyncio.sleep(seconds)
        stats = (await connection.getStats()).values()
        for one in stats:
            if one.type in ("outbound-rtp", "inbound-rtp"):
                packets = getattr(one, "packetsSent", None) or getattr(one, "packetsReceived", 0)
                figures[f"{one.kind} packets"] = packets
        figures["codecs"] = sorted(
            codec
            for codec in ("opus", "VP8", "H264")
            if f"{codec}/".lower() in text.lower()
        )
        figures["profile"] = profile(connection)
        figures["state"] = connection.connectionState
        headers["If-Match"] = tag
        async with http.delete(resource, headers=headers) as answer:
            figures["deleted"] = answer.status
    for task in tasks:
        task.cancel()
    await connection.close()
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])))
