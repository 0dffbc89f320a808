'use strict';
(() => {
  const form = document.querySelector('#look');
  const status = document.querySelector('#status');
  const views = document.querySelector('#views');
  const cards = [...views.querySelectorAll('.card')];
  const page = document.body.dataset;
  let version = Number(page.version);
  let made = Number(page.made);

  const fields = () => {
    const said = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...said]) if (!value) said.delete(name);
    return said;
  };

  const address = (card) => {
    const said = fields();
    said.delete('show');
    said.delete('width');
    const pattern = card.dataset.address.replace('{scheme}', said.get('scheme'));
    return pattern.replace('{query}', said);
  };

  // Where in the archive somebody is, they stay.
  const current = (card, frame) => {
    const path = frame.contentDocument?.location.pathname ?? '';
    const within = path.match(/^\/view\/archive\/(?:light|dark)\/(.*)$/);
    return within ? `/view/archive/${fields().get('scheme')}/${within[1]}` : address(card);
  };

  const scrollAs = (before, after) => {
    const [was, is] = [before.contentDocument?.scrollingElement, after.contentDocument?.scrollingElement];
    if (!was || !is) return;
    const share = was.clientWidth === is.clientWidth ? 1 : is.scrollHeight / was.scrollHeight;
    is.scrollTo({left: was.scrollLeft, top: was.scrollTop * share, behavior: 'instant'});
  };

  // A view is loaded behind the one that is shown, and takes its place where that was scrolled to.
  const load = (card) => new Promise((done) => {
    const old = card.querySelector('iframe:not(.waiting)');
    for (const overtaken of card.querySelectorAll('iframe.waiting')) {
      overtaken.remove();
      overtaken.done();
    }
    const fresh = old.cloneNode(false);
    fresh.className = 'waiting';
    fresh.done = done;
    fresh.src = current(card, old);
    card.querySelector('h2 a').href = address(card);
    fresh.addEventListener('load', () => {
      scrollAs(old, fresh);
      const focused = document.activeElement === old;
      fresh.className = '';
      old.remove();
      if (focused) fresh.focus();
      done();
    }, {once: true});
    old.after(fresh);
  });

  const shown = () => cards.filter((card) => !card.hidden);

  const parts = new Map();
  const content = (part) => part.dataset.key ?? part.innerHTML;
  for (const id of ['line', 'notice', 'about', 'facts']) parts.set(id, content(document.getElementById(id)));

  let asked = 0;
  const refresh = async () => {
    const turn = ++asked;
    const answer = await fetch(`/panel?${fields()}`);
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    if (turn !== asked) return;  // a later question is on its way
    const fresh = new DOMParser().parseFromString(text, 'text/html');
    for (const [id, before] of parts) {
      const [old, part] = [document.getElementById(id), fresh.getElementById(id)];
      if (content(part) === before) continue;
      parts.set(id, content(part));
      for (const open of old.querySelectorAll('details[open]')) part.querySelector(`#${open.id}`)?.setAttribute('open', '');
      const focused = old.contains(document.activeElement) ? document.activeElement.closest('[id]').id : null;
      old.replaceChildren(...part.childNodes);
      if (part.dataset.key !== undefined) old.dataset.key = part.dataset.key;
      if (focused) document.getElementById(focused)?.querySelector('summary')?.focus();
    }
  };

  const say = (text) => { status.textContent = text; };

  const update = async (now) => {
    delete page.lost;
    if (now.run !== page.run) return location.reload();
    if (now.version === version) return say(now.faults ? 'Not shown as saved: see the fault.' : 'Shown as saved.');
    version = now.version;
    await refresh();
    if (now.version !== version) return undefined;  // overtaken meanwhile
    views.classList.toggle('stale', now.faults > 0 && now.made > 0);
    if (now.made !== made) {
      made = now.made;
      await Promise.all(shown().map(load));
    }
    if (now.version !== version) return undefined;
    page.shown = now.version;
    const at = new Date().toLocaleTimeString();
    return say(now.faults ? `Saved at ${at}, and not shown: see the fault.` : `Saved at ${at}, and shown.`);
  };

  // Views are as wide as they say, beside their scroll bars.
  const measure = views.appendChild(document.createElement('div'));
  measure.className = 'measure';
  document.documentElement.style.setProperty('--bar', `${measure.offsetWidth - measure.clientWidth}px`);
  measure.remove();

  const events = new EventSource('/events');
  events.onmessage = (event) => { update(JSON.parse(event.data)).catch((error) => say(error.message)); };
  events.onerror = () => {
    page.lost = '';
    say('The preview has ended: start it again, and it goes on here.');
  };

  const change = (name) => {
    const [said, before] = [fields(), new Set(shown())];
    history.replaceState(null, '', `/?${said}`);
    const wanted = said.getAll('show');
    for (const card of cards) card.hidden = wanted.length > 0 && !wanted.includes(card.id);
    views.dataset.width = said.get('width');
    views.dataset.scheme = said.get('scheme');
    const isOther = (card) => !before.has(card) || !['show', 'width'].includes(name);
    return Promise.all([refresh(), ...shown().filter(isOther).map(load)]);
  };

  document.addEventListener('change', (event) => {
    if (event.target.name) change(event.target.name).catch((error) => say(error.message));
  });
  form.addEventListener('submit', (event) => event.preventDefault());
})();
