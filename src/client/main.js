// The page's composition root: makes the modules, joins them, opens the face.
//
// `window.roundtable` is the page's door for the browser's console and for tests: `meeting.state`,
// `media.pc`, `media.slotStream(mid)`, `media.setMicrophoneTrack(track)`, `media.forceSend(true)`.
//
// The address: `/join#<token>`, or `/check#<token>` to check alone, days before, and tell the organiser;
// `?session=session-2` names another session than the current one; `?lang=ru` a language; `?rawaudio=1`
// takes the microphone as it is, without echo cancellation, noise suppression and gain control
// (musicians, measurements).

import { Awake } from './awake.js';
import { Desk } from './desk.js';
import { Devices } from './devices.js';
import { Fader } from './fader.js';
import { Media } from './media.js';
import { Meeting } from './meeting.js';
import { PathTest } from './path.js';
import { Preflight } from './preflight.js';
import { Protocol, socketUrl } from './protocol.js';
import { Quality } from './quality.js';
import { Ui } from './ui.js';
import { beginLanguage } from './ui-language.js';
import { makePicture } from './ui-picture.js';
import { makeAudio } from './ui-stage.js';
import { Visit } from './visit.js';

/** Pictures at once: nine beside a large screen's speaker are legible, six on a phone. */
const VIDEO_SLOTS = matchMedia('(max-width: 37.5em)').matches ? 6 : 9;

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
  checkOnly: location.pathname === '/check',
});
const path = new PathTest({ request, makePicture });
const preflight = new Preflight({ visit, desk, devices, path, request });

const quality = new Quality({ media, sendsCamera: () => devices.camera !== null });
const awake = new Awake(() => navigator.wakeLock?.request('screen') ?? Promise.reject(new Error('no lock')));

new Fader({ meeting, media, now: () => visit.now() });

visit.subscribe(() => {
  if (desk.member?.id !== visit.member?.id) {
    desk.member = visit.member;
    desk.refresh();
  }
  awake.want(visit.phase === 'room');
  quality.run(visit.phase === 'room');
  settleDevices();
});
devices.subscribe(settleDevices);

/** Nothing stays on after a visit, nor a screen out of the room; it may also open late, once it is permitted. */
function settleDevices() {
  const over = visit.phase === 'left' || (visit.phase === 'ended' && !visit.returning);
  if (over && (devices.microphone || devices.camera || devices.screen)) devices.closeAll();
  else if (visit.phase !== 'room' && devices.screen) devices.closeScreen();
}

beginLanguage();
window.roundtable = { meeting, media, protocol, devices };
new Ui({ visit, meeting, media, desk, devices, quality, path, preflight, request });

// Another link opened in the same tab changes only the fragment, which reloads nothing.
addEventListener('hashchange', () => location.reload());
// Goodbye at once, rather than after the server's patience.
addEventListener('pagehide', () => protocol.close());
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
// What may have cost the connection without a word: another network, a sleep.
addEventListener('online', () => visit.networkIsBack());
navigator.connection?.addEventListener('change', () => visit.probe());
document.addEventListener('visibilitychange', handleVisibility);
// Thawed by the browser, or by a phone that is unlocked.
document.addEventListener('resume', handleVisibility);

/** Nobody sees the pictures of a hidden page; what the system took away meanwhile is taken up again. */
function handleVisibility() {
  media.restPictures('hidden', document.hidden);
  if (document.hidden) return;
  visit.probe();
  awake.settle();
  media.wake();
  desk.wake();
}
media.restPictures('hidden', document.hidden);

if (!token) visit.refuse('no_link');
else if (!globalThis.RTCPeerConnection) visit.refuse('no_webrtc');
else visit.start();
