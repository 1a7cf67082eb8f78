// A WHIP publisher and a WHEP player on libwebrtc without a browser: `publish|play URL TOKEN SECONDS`.
// Prints a line of JSON when it is connected, and one of what was sent or received from then on.

import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

// From where NODE_PATH says: an `import` looks beside this file only.
const wrtc = createRequire(import.meta.url)("@roamhq/wrtc");
const { RTCAudioSource, RTCVideoSource, RTCAudioSink, RTCVideoSink } = wrtc.nonstandard;

const [what, url, token, seconds] = process.argv.slice(2);
const WIDTH = 320, HEIGHT = 240, FRAMES_A_SECOND = 15, SAMPLE_RATE = 48000;

const connection = new wrtc.RTCPeerConnection({ bundlePolicy: "max-bundle" });
const figures = {};
const timers = [];

function sendPictures() {
    const source = new RTCVideoSource();
    let count = 0;
    timers.push(setInterval(() => {
        const data = new Uint8ClampedArray(WIDTH * HEIGHT * 3 / 2).fill(128);
        const place = count * 8 % (WIDTH - 32);
        for (let y = 64; y < 128; y += 1) {
            data.fill(235, y * WIDTH + place, y * WIDTH + place + 32);
        }
        source.onFrame({ width: WIDTH, height: HEIGHT, data });
        count += 1;
    }, 1000 / FRAMES_A_SECOND));
    return source.createTrack();
}

function sendSound() {
    const source = new RTCAudioSource();
    let at = 0;
    timers.push(setInterval(() => {
        const samples = new Int16Array(SAMPLE_RATE / 100);
        for (let i = 0; i < samples.length; i += 1, at += 1) {
            samples[i] = 12000 * Math.sin(2 * Math.PI * 440 * at / SAMPLE_RATE);
        }
        source.onData({
            samples, sampleRate: SAMPLE_RATE, bitsPerSample: 16, channelCount: 1,
            numberOfFrames: samples.length,
        });
    }, 10));
    return source.createTrack();
}

function receive(track) {
    if (track.kind === "video") {
        const sink = new RTCVideoSink(track);
        sink.onframe = ({ frame }) => {
            figures.frames = (figures.frames ?? 0) + 1;
            figures.size = `${frame.width}x${frame.height}`;
        };
    } else {
        const sink = new RTCAudioSink(track);
        sink.ondata = ({ samples }) => {
            let sum = 0;
            for (const sample of samples) {
                sum += sample * sample;
            }
            // 10 ms each; counted in packets of 20 ms.
            const loud = Math.sqrt(sum / samples.length) > 500;
            figures.sounds = (figures.sounds ?? 0) + (loud ? 0.5 : 0);
        };
    }
}

if (what === "publish") {
    connection.addTransceiver(sendSound(), { direction: "sendonly" });
    connection.addTransceiver(sendPictures(), { direction: "sendonly" });
} else {
    connection.ontrack = ({ track }) => receive(track);
    connection.addTransceiver("audio", { direction: "recvonly" });
    connection.addTransceiver("video", { direction: "recvonly" });
}

await connection.setLocalDescription(await connection.createOffer());
// No candidate is known yet: they are trickled.
const candidates = [];
connection.onicecandidate = ({ candidate }) => candidate?.candidate && candidates.push(candidate.candidate);
const headers = { Authorization: `Bearer ${token}` };
const posted = await fetch(url, {
    method: "POST", body: connection.localDescription.sdp,
    headers: { ...headers, "Content-Type": "application/sdp" },
});
const answer = await posted.text();
if (posted.status !== 201) {
    throw new Error(`${posted.status} ${answer}`);
}
const resource = new URL(posted.headers.get("Location"), url);
await connection.setRemoteDescription({ type: "answer", sdp: answer });
await sleep(200);
const ufrag = /a=ice-ufrag:(\S+)/.exec(connection.localDescription.sdp)[1];
const pwd = /a=ice-pwd:(\S+)/.exec(connection.localDescription.sdp)[1];
const lines = candidates.map((one) => `a=${one}\r\n`).join("");
const patched = await fetch(resource, {
    method: "PATCH",
    body: `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${pwd}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n${lines}a=end-of-candidates\r\n`,
    headers: {
        ...headers, "Content-Type": "application/trickle-ice-sdpfrag",
        "If-Match": posted.headers.get("ETag"),
    },
});
while (connection.connectionState !== "connected") {
    if (!["new", "connecting"].includes(connection.connectionState)) {
        throw new Error(connection.connectionState);
    }
    await sleep(20);
}
console.log(JSON.stringify({ state: "connected" }));
Object.keys(figures).forEach((name) => delete figures[name]);
figures.trickled = patched.status;
await sleep(1000 * Number(seconds));
for (const one of (await connection.getStats()).values()) {
    if (one.type === "outbound-rtp" || one.type === "inbound-rtp") {
        figures[`${one.kind} packets`] = one.packetsSent ?? one.packetsReceived;
    }
    if (one.type === "transport") {
        figures.profile = one.srtpCipher;
    }
}
figures.codecs = ["VP8", "opus", "H264"].filter((codec) => answer.includes(` ${codec}/`)).sort();
figures.state = connection.connectionState;
figures.deleted = (await fetch(resource, { method: "DELETE", headers })).status;
timers.forEach(clearInterval);
connection.close();
console.log(JSON.stringify(figures));
process.exit(0);
