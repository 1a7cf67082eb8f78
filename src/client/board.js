// The organiser's board: its composition root.
//
// The address: `/board#<token>`, the token of an organiser's invite link or of the API. It stays in the
// fragment, so that it reaches no log. `?lang=ru` names a language.

import { Api } from './board-api.js';
import { BoardPage } from './board-page.js';
import { Watch } from './board-watch.js';
import { beginLanguage } from './ui-language.js';

beginLanguage();
const token = location.hash.slice(1);
const watch = new Watch(new Api(token));
const page = new BoardPage({ watch, token });

// Another token in the same tab changes only the fragment, which reloads nothing.
addEventListener('hashchange', () => location.reload());
document.addEventListener('visibilitychange', () => {
  watch.seen = !document.hidden;
});

if (token) watch.look();
else page.refuse('no_link');
