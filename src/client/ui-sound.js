// The test sound: three rising notes, made here so that no file has to be fetched.

const RATE = 24_000;
const NOTES_HZ = [523.25, 659.25, 783.99];
const NOTE_S = 0.4;
const HEADER_BYTES = 44;

/** Plays the notes on an output device ('' is the system's choice). */
export async function playTestSound(deviceId) {
  const url = URL.createObjectURL(new Blob([wave()], { type: 'audio/wav' }));
  const sound = new Audio(url);
  sound.onended = () => URL.revokeObjectURL(url);
  if (deviceId) await sound.setSinkId?.(deviceId).catch(() => {});
  await sound.play().catch(() => {});
}

/** A WAV file of 16-bit mono samples. */
function wave() {
  const perNote = Math.floor(RATE * NOTE_S);
  const samples = perNote * NOTES_HZ.length;
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + samples * 2));
  const text = (at, value) => [...value].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, HEADER_BYTES - 8 + samples * 2, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples * 2, true);
  for (let sample = 0; sample < samples; sample += 1) {
    const seconds = (sample % perNote) / RATE;
    const note = NOTES_HZ[Math.floor(sample / perNote)];
    const swell = Math.min(1, seconds / 0.02) * Math.exp(-seconds * 5);
    view.setInt16(HEADER_BYTES + sample * 2, 12_000 * swell * Math.sin(2 * Math.PI * note * seconds), true);
  }
  return view.buffer;
}
