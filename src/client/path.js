// The path test before a room: whether sound and picture reach the server by UDP, by TCP, or over a
// relay, how long the round trip is, and what of five seconds' packets is lost.
//
// Each way is tried alone, by a peer connection that enters no session (`check.offer`): the candidates of
// the other ways are left out. It must never know the DOM: what is sent comes from a factory.

import { Refusal } from './protocol.js';

/** How long a path may take to stand, in ms; a lost handshake packet is sent again after one or two s. */
const CONNECT_MS = 7000;

/** How long is sent on it, in ms, and how often it is looked at meanwhile. */
const MEASURE_MS = 5000;
const LOOK_MS = 250;

/** How long candidates are waited for, in ms: one's own addresses are known at once, a relay's are not. */
const GATHER_MS = { udp: 500, tcp: 500, relay: 4000 };

/** The rate that is sent, in bits a second: some 30 packets each second. */
const BITRATE = 250_000;

/** Fewer packets than this say nothing of how many are lost. */
const PACKETS_MIN = 30;

/** Pauses before another attempt where many test at once, in ms. */
const BUSY_MS = [3000, 5000, 8000];

/** From here on a path is weak: lost packets of a hundred, and the round trip in ms. */
const WEAK = { lossPct: 3, rttMs: 350 };

export class PathTest {
  #request;
  #makePicture;
  #listeners = new Set();
  #open = new Set();
  #picture = null;
  #run = 0;

  /** `idle`, `running`, `done`, or `failed` (the test itself could not be made). */
  phase = 'idle';
  /** How much of it is over, 0 to 1. */
  progress = 0;
  /**
   * Of the last test: `{verdict, rttMs, lossPct, weak, ways, doors}`. `verdict` is `udp`, `tcp`, `relay` or
   * `none`; `ways` has what was measured of each, or null where nothing passes; `doors` says where the server
   * is reached: `{address, udp, tcp}`, ports or null.
   */
  result = null;

  /** `request(type, fields)` asks the server; `makePicture()` gives `{track, stop}`, a lively picture. */
  constructor({ request, makePicture }) {
    this.#request = request;
    this.#makePicture = makePicture;
  }

  /** Calls `listener()` after each change; gives what ends that. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tests; does nothing while one is running. */
  async run(iceServers) {
    if (this.phase === 'running') return;
    this.#run += 1;
    const run = this.#run;
    this.phase = 'running';
    this.progress = 0;
    this.#tell();
    try {
      this.#picture = this.#makePicture();
      const doors = { address: null, udp: null, tcp: null };
      const ways = {};
      [ways.udp, ways.tcp] = await Promise.all(
        ['udp', 'tcp'].map((way) => this.#try(way, [], doors, run)));
      if (!ways.udp && !ways.tcp && hasRelay(iceServers)) {
        ways.relay = await this.#try('relay', iceServers, doors, run);
      }
      if (run !== this.#run) return;
      this.result = judged(ways, doors);
      this.#end('done');
    } catch (error) {
      if (run !== this.#run) return;
      // Without the server nothing is said; once it is back, the test begins anew.
      this.#end(error.name === 'Unreachable' ? 'idle' : 'failed');
    }
  }

  /** Ends one that is running, with nothing found. */
  stop() {
    if (this.phase !== 'running') return;
    this.#run += 1;
    this.#end(this.result ? 'done' : 'idle');
  }

  #end(phase) {
    for (const pc of this.#open) pc.close();
    this.#open.clear();
    this.#picture?.stop();
    this.#picture = null;
    this.phase = phase;
    this.progress = 1;
    this.#tell();
  }

  /** Tries one way; gives what was measured, or null where nothing passes. */
  async #try(way, iceServers, doors, run) {
    for (const pause of [...BUSY_MS, null]) {
      const pc = new RTCPeerConnection({
        iceServers, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require',
        iceTransportPolicy: way === 'relay' ? 'relay' : 'all',
      });
      this.#open.add(pc);
      try {
        if (!await this.#offer(pc, way, doors)) return null;
        return await connected(pc) ? await this.#measure(pc, run) : null;
      } catch (error) {
        if (run !== this.#run) return null;
        const busy = error instanceof Refusal && error.code === 'full';
        if (!busy || pause === null) throw error;
        // Spread, so that not all come back in the same instant.
        await wait(pause * (0.75 + Math.random() / 2));
        if (run !== this.#run) return null;
      } finally {
        pc.close();
        this.#open.delete(pc);
      }
    }
    return null;
  }

  /** Offers, and takes the answer; false where the server is not there by that way. */
  async #offer(pc, way, doors) {
    const section = pc.addTransceiver(this.#picture.track, {
      direction: 'sendonly', sendEncodings: [{ maxBitrate: BITRATE }],
    });
    preferVp8(section);
    await pc.setLocalDescription(await pc.createOffer());
    await gathered(pc, GATHER_MS[way]);
    // A server that knew the client's other addresses would find the other way by itself.
    const { sdp } = await this.#request('check.offer', {
      sdp: onlyBy([way], pc.localDescription.sdp), mid: section.mid,
    });
    Object.assign(doors, doorsOf(sdp));
    const answer = onlyBy(way === 'relay' ? ['udp', 'tcp'] : [way], sdp);
    if (!answer.includes('a=candidate:')) return false;
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    return true;
  }

  /** Sends for some seconds and reads what the server reports of it. */
  async #measure(pc, run) {
    const begun = performance.now();
    const trips = new Map();
    let last = null;
    for (let passed = 0; passed < MEASURE_MS; passed = performance.now() - begun) {
      await wait(LOOK_MS);
      if (run !== this.#run || pc.connectionState === 'failed') return null;
      last = looked(await pc.getStats(), last);
      if (last.tripAt !== null) trips.set(last.tripAt, last.tripMs);
      this.progress = Math.min(1, Math.max(this.progress, passed / MEASURE_MS));
      this.#tell();
    }
    // What connects and carries nothing is no path.
    if (!last.reported && last.sent >= PACKETS_MIN) return null;
    return {
      rttMs: middle([...trips.values()]) ?? last.pairMs,
      lossPct: last.sent < PACKETS_MIN ? null
        : Math.min(100, Math.ceil((100 * Math.max(0, last.lost)) / last.sent)),
    };
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/** What statistics say by now of the one stream that is sent. */
function looked(stats, before) {
  const all = [...stats.values()];
  const sending = all.find(({ type }) => type === 'outbound-rtp');
  const report = all.find(({ type }) => type === 'remote-inbound-rtp');
  const { selectedCandidatePairId } = all.find(({ type }) => type === 'transport') ?? {};
  const pair = stats.get(selectedCandidatePairId)
    ?? all.find(({ type, selected }) => type === 'candidate-pair' && selected);
  const inMs = (seconds) => (seconds ? Math.max(1, Math.round(seconds * 1000)) : null);
  const tripMs = inMs(report?.roundTripTime);
  return {
    sent: sending?.packetsSent ?? 0,
    lost: report?.packetsLost ?? before?.lost ?? 0,
    reported: Boolean(report) || Boolean(before?.reported),
    tripMs,
    tripAt: tripMs === null ? null : report.timestamp,
    pairMs: inMs(pair?.currentRoundTripTime) ?? before?.pairMs ?? null,
  };
}

function judged(ways, doors) {
  const verdict = ['udp', 'tcp', 'relay'].find((way) => ways[way]) ?? 'none';
  const { rttMs = null, lossPct = null } = ways[verdict] ?? {};
  const weak = (lossPct ?? 0) >= WEAK.lossPct || (rttMs ?? 0) >= WEAK.rttMs;
  return { verdict, rttMs, lossPct, weak, ways, doors };
}

/** The description with the candidates of these ways alone; a relayed one is a way of its own. */
export function onlyBy(ways, sdp) {
  const kept = (line) => {
    if (!line.startsWith('a=candidate:')) return true;
    const [, , protocol] = line.split(' ');
    return ways.includes(/ typ relay\b/.test(line) ? 'relay' : protocol.toLowerCase());
  };
  return sdp.split('\r\n').filter(kept).join('\r\n');
}

/** Where the server is reached, by its answer: an address that others can reach, before loopback. */
export function doorsOf(sdp) {
  const all = sdp.split('\r\n').filter((line) => line.startsWith('a=candidate:')).map((line) => {
    const [, , protocol, , address, port] = line.split(' ');
    return { protocol: protocol.toLowerCase(), address, port: Number(port) };
  });
  const isLoopback = ({ address }) => address === '::1' || address.startsWith('127.');
  const address = (all.find((each) => !isLoopback(each)) ?? all[0])?.address ?? null;
  const portOf = (wanted) => all.find(
    (each) => each.protocol === wanted && each.address === address)?.port ?? null;
  return { address, udp: portOf('udp'), tcp: portOf('tcp') };
}

const hasRelay = (iceServers) => iceServers.some(({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url)));

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function middle(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** Resolves once all candidates are known, or after `ms`. */
function gathered(pc, ms) {
  return new Promise((resolve) => {
    const check = () => pc.iceGatheringState === 'complete' && resolve();
    pc.addEventListener('icegatheringstatechange', check);
    setTimeout(resolve, ms);
    check();
  });
}

/** Resolves with whether the path stands in time. */
function connected(pc) {
  return new Promise((resolve) => {
    const check = () => {
      if (pc.connectionState === 'connected') resolve(true);
      else if (['failed', 'closed'].includes(pc.connectionState)) resolve(false);
    };
    pc.addEventListener('connectionstatechange', check);
    setTimeout(() => resolve(pc.connectionState === 'connected'), CONNECT_MS);
    check();
  });
}

/** As peer.js does, and for its reason; here the offer also gets short. */
function preferVp8(section) {
  const codecs = RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? [];
  const wanted = codecs.filter(({ mimeType }) => /^video\/vp8$/i.test(mimeType));
  if (wanted.length) section.setCodecPreferences?.(wanted);
}
