/* Search over titles and text, in the browser: an index file is loaded when somebody begins to search. */
(() => {
  'use strict';

  const MOST = 40;
  const AROUND = 45;
  const form = document.querySelector('form.search');
  if (!form) return;
  const box = form.elements.q;
  const section = document.getElementById('_results');
  form.hidden = false;
  if (!section) return; // the form leads to the archive's first page, where the results stand

  const list = section.querySelector('ol');
  const found = section.querySelector('.found');
  const years = document.querySelectorAll('.year');
  const folded = new Map();
  let index = null;
  let asked = false;

  /* One letter for one letter, so that places stay: ａ, A and á are a. */
  const foldOne = (letter) => {
    if (!folded.has(letter)) {
      const plain = letter.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
      const lower = letter.toLowerCase();
      folded.set(letter, plain.length === 1 ? plain : lower.length === 1 ? lower : letter);
    }
    return folded.get(letter);
  };
  const fold = (text) => {
    let made = '';
    for (let n = 0; n < text.length; n += 1) made += foldOne(text[n]);
    return made;
  };

  const isHan = (text) => /^\p{Script=Han}+$/u.test(text);
  const pairs = (word) => Array.from({ length: word.length - 1 }, (_, n) => word.slice(n, n + 2));

  const weigh = (article, words) => {
    let weight = 0;
    for (const word of words) {
      const inTitle = article.head.includes(word);
      const inAround = article.edge.includes(word);
      const times = Math.min(article.body.split(word, 5).length - 1, 4);
      if (!inTitle && !inAround && !times) return 0;
      weight += (inTitle ? 12 : 0) + (inAround ? 5 : 0) + times;
    }
    return weight;
  };

  const rank = (words) => index.articles
    .map((article) => [weigh(article, words), article])
    .filter(([weight]) => weight)
    .sort((one, other) => other[0] - one[0] || one[1].place - other[1].place)
    .map(([, article]) => article);

  /* Marked with elements, never with HTML: what was typed stays text. */
  const mark = (parent, text, words) => {
    const plain = fold(text);
    let at = 0;
    while (at < text.length) {
      let next = null;
      for (const word of words) {
        const place = plain.indexOf(word, at);
        if (place >= 0 && (!next || place < next[0] || (place === next[0] && word.length > next[1]))) next = [place, word.length];
      }
      if (!next) break;
      parent.append(text.slice(at, next[0]));
      const marked = document.createElement('mark');
      marked.textContent = text.slice(next[0], next[0] + next[1]);
      parent.append(marked);
      at = next[0] + next[1];
    }
    parent.append(text.slice(at));
  };

  const cut = (article, words) => {
    const places = words.map((word) => article.body.indexOf(word)).filter((place) => place >= 0);
    const first = places.length ? Math.min(...places) : 0;
    let from = Math.max(0, first - AROUND);
    let to = Math.min(article.text.length, first + 3 * AROUND);
    const space = article.text.indexOf(' ', from);
    if (from && space >= 0 && space < first) from = space + 1;
    const last = article.text.lastIndexOf(' ', to);
    if (to < article.text.length && last > first + AROUND) to = last;
    return `${from ? '… ' : ''}${article.text.slice(from, to)}${to < article.text.length ? ' …' : ''}`;
  };

  const show = (article, words) => {
    const item = document.createElement('li');
    item.lang = article.language;
    item.dir = 'auto';
    const link = document.createElement('a');
    const [folder, label] = index.issues[article.place];
    link.href = `${folder}/${article.slug}/index.html`;
    mark(link, article.title, words);
    const issue = document.createElement('p');
    issue.className = 'date';
    issue.lang = document.documentElement.lang;
    issue.textContent = label;
    const text = document.createElement('p');
    mark(text, cut(article, words), words);
    item.append(link, issue, text);
    return item;
  };

  const search = () => {
    /* Pages have a space between Han and Latin letters, whether or not it is typed. */
    const parted = fold(box.value).replace(/\p{Script=Han}(?=\p{Script=Latin})|\p{Script=Latin}\p{N}*(?=\p{Script=Han})/gu, '$& ');
    const words = [...new Set(parted.split(/\s+/u).filter(Boolean))];
    const isOn = words.length > 0;
    section.hidden = !isOn;
    for (const year of years) year.hidden = isOn;
    list.replaceChildren();
    found.textContent = '';
    if (!isOn || !index) return;
    let used = words;
    let articles = rank(used);
    if (!articles.length) { // Chinese has no spaces: then the characters two by two
      used = [...new Set(words.flatMap((word) => (isHan(word) && word.length > 2 ? pairs(word) : [word])))];
      articles = rank(used);
    }
    found.textContent = articles.length ? section.dataset.found.replace('{count}', articles.length) : section.dataset.none;
    list.append(...articles.slice(0, MOST).map((article) => show(article, used)));
  };

  self.pressrunSearch = (loaded) => {
    index = {
      issues: loaded.issues,
      articles: loaded.articles.map(([place, slug, title, around, text, language]) => ({
        place, slug, title, text, language, head: fold(title), edge: fold(around), body: fold(text),
      })),
    };
    search();
  };

  const load = () => {
    if (asked) return;
    asked = true;
    const script = document.createElement('script');
    script.src = form.dataset.index;
    script.addEventListener('error', () => { asked = false; });
    document.head.append(script);
  };

  form.addEventListener('submit', (event) => { event.preventDefault(); load(); search(); });
  box.addEventListener('focus', load);
  box.addEventListener('input', () => { load(); search(); });
  const wanted = new URLSearchParams(location.search).get('q');
  if (wanted) {
    box.value = wanted;
    load();
    search();
  }
})();
