// The board's texts, in the language that the page's are in.

import { boardEnglish } from './texts-board-en.js';
import { boardIndonesian } from './texts-board-id.js';
import { boardRussian } from './texts-board-ru.js';
import { texts } from './texts.js';

const LANGUAGES = { en: boardEnglish, id: boardIndonesian, ru: boardRussian };

/** Ask for it where a text is drawn: the language may change meanwhile. */
export const board = () => LANGUAGES[texts.language.slice(0, 2)] ?? boardEnglish;
