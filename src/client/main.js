// The page's composition root: makes the modules, joins them, opens the face.
//
// `window.roundtable` is the page's door for the browser's console and for tests: `meeting.state`,
// `media.pc`, `media.slotStream(mid)`, `media.setMicrophoneTrack(track)`, `media.forceSend(true)`.
//
// The address: `/join#<token>`; `?session=session-2` names another session than the current one;
// `?rawaudio=1` takes the microphone as it is, without echo cancellation, noise suppression and
// gain control (musicians, measurements).

import { Desk } from './desk.js';
import { Devices } from './devices.js';
import { Media } from './media.js';
import { Meeting } from './meeting.js';
import { Protocol, socketUrl } from './protocol.js';
import { Ui } from './ui.js';
import { makeAudio } from './ui-stage.js';
import { Visit } from './visit.js';

/** Pictures at once: nine beside a large screen's speaker are legible, six on a phone. */
const VIDEO_SLOTS = matchMedia('(max-width: 600px)').matches ? 6 : 9;

const query = new URLSearchParams(location.search);
const token = location.hash.slice(1);

const protocol = new Protocol(socketUrl(location));
const request = (type, fields) => protocol.request(type, fields);
const meeting = new Meeting(async () => (await request('session.snapshot')).snapshot);
const media = new Media({ request, makeAudio });
const devices = new Devices({ rawAudio: query.get('rawaudio') === '1' });
const desk = new Desk({ devices, media, meeting, request });
const visit = new Visit({
  protocol, meeting, media, token, wantedSession: query.get('session'), videoSlots: VIDEO_SLOTS,
});

visit.subscribe(() => {
  if (desk.member?.id !== visit.member?.id) {
    desk.member = visit.member;
    desk.refresh();
  }
  const over = visit.phase === 'left' || (visit.phase === 'ended' && !visit.returning);
  if (over && (devices.microphone || devices.camera)) devices.closeAll();
});

window.roundtable = { meeting, media, protocol, devices };
new Ui({ visit, meeting, media, desk, devices, request });

// Another link opened in the same tab changes only the fragment, which reloads nothing.
addEventListener('hashchange', () => location.reload());
// Goodbye at once, rather than after the server's patience.
addEventListener('pagehide', () => protocol.close());
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
// What may have cost the connection without a word: another network, a sleep.
addEventListener('online', () => visit.networkIsBack());
navigator.connection?.addEventListener('change', () => visit.probe());
document.addEventListener('visibilitychange', () => document.hidden || visit.probe());

if (!token) visit.refuse('no_link');
else if (!globalThis.RTCPeerConnection) visit.refuse('no_webrtc');
else visit.start();
