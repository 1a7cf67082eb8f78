// A lively picture to test a path with: noise, so that it needs its whole rate. It is never shown.

const WIDTH = 160;
const HEIGHT = 90;
const FRAMES_PER_S = 30;

/** Gives a video track and what ends it. */
export function makePicture() {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext('2d', { alpha: false });
  const image = context.createImageData(WIDTH, HEIGHT);
  const draw = () => {
    crypto.getRandomValues(image.data);
    context.putImageData(image, 0, 0);
  };
  draw();
  const [track] = canvas.captureStream(FRAMES_PER_S).getVideoTracks();
  const drawing = setInterval(draw, 1000 / FRAMES_PER_S);
  return {
    track,
    stop: () => {
      clearInterval(drawing);
      track.stop();
    },
  };
}
