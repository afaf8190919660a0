/* SPDX-License-Identifier: MIT */
'use strict';
/* Draws the document in the page. Text reaches the page as text only, never as markup. */
(() => {
const data = JSON.parse(document.getElementById('duet-data').textContent);
const runs = data.runs, alone = runs.length === 1;

/* Elements. */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {}))
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  node.append(...children.flat(9).filter(child => child !== null && child !== undefined && child !== ''));
  return node;
}
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

/* Words and numbers. */
const MINUS = '\u2212', TO = '\u2013';
const isNumber = value => typeof value === 'number' && isFinite(value);
const shellWord = text => /^[\w@%+=:,./\u0080-\uffff-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`; /* as duet_text_word */
const signed = text => text.replace(/^-/, MINUS);
function plain(value) { /* four digits */
  if (!isNumber(value)) return '-';
  const size = Math.abs(value);
  if (size >= (Number.isInteger(value) ? 1e12 : 1e6) || (size > 0 && size < 1e-4)) return signed(value.toExponential(2)).replace('e-', 'e' + MINUS);
  return signed(size >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(4))));
}
function digitsOf(cell) { /* the interval's half width has two digits */
  const half = (cell.high - cell.low) / 2;
  return half > 0 ? Math.max(0, Math.min(20, 1 - Math.floor(Math.log10(half)))) : null;
}
function estimate(cell) {
  const digits = isNumber(cell.low) && isNumber(cell.high) ? digitsOf(cell) : null;
  if (digits === null) return [plain(cell.value), ''];
  if (digits > 7) return [plain(cell.value), `${plain(cell.low)} to ${plain(cell.high)}`];
  const show = value => digits > 0 ? signed(value.toFixed(digits)) : plain(Math.round(value));
  return [show(cell.value), `${show(cell.low)} to ${show(cell.high)}`];
}
function duration(seconds) {
  if (!isNumber(seconds)) return 'not known';
  const whole = Math.round(seconds), pad = value => String(value).padStart(2, '0');
  if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`
    : `${Math.floor(whole / 3600)} h ${pad(Math.floor(whole / 60) % 60)} min`;
}
const bytes = value => !isNumber(value) ? 'not known' : value < 1048576 ? `${plain(value / 1024)} KiB` : `${plain(value / 1048576)} MiB`;
const count = value => isNumber(value) ? Math.round(value).toLocaleString('en') : 'not known';
const nameOfPath = path => path.replace(/\/+$/, '').split('/').pop();
const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
const anchor = text => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/* Runs: colour, dashes and a mark, so that colour is not all that tells them apart. */
const dashes = ['', '7 3', '2 3', '9 3 2 3', '4 4'];
const colour = index => `var(--c${index % 10})`;
const dash = index => dashes[index % dashes.length];
function mark(index, x, y, size) {
  const paint = {fill: colour(index)};
  switch (index % 4) {
  case 0: return s('circle', {cx: x, cy: y, r: size, ...paint});
  case 1: return s('rect', {x: x - size * .9, y: y - size * .9, width: size * 1.8, height: size * 1.8, ...paint});
  case 2: return s('path', {d: `M${x} ${y - size * 1.25}L${x + size * 1.2} ${y + size}H${x - size * 1.2}Z`, ...paint});
  default: return s('path', {d: `M${x} ${y - size * 1.35}L${x + size * 1.35} ${y}L${x} ${y + size * 1.35}L${x - size * 1.35} ${y}Z`, ...paint});
  }
}
function sign(index) {
  return s('svg', {width: 26, height: 12, viewBox: '0 0 26 12', 'aria-hidden': 'true'},
    s('line', {x1: 0, x2: 26, y1: 6, y2: 6, stroke: colour(index), 'stroke-width': 2, 'stroke-dasharray': dash(index)}),
    mark(index, 13, 6, 3.6));
}
const who = index => h('span', {class: 'run'}, sign(index), runs[index].name);
const legend = () => alone ? null : h('ul', {class: 'legend'}, runs.map((run, i) => h('li', {}, who(i))));

/* Tables and what stands under a chart. */
function table(heads, rows) {
  return h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table: ' + heads[0]}, h('table', {},
    h('thead', {}, h('tr', {}, heads.map(head => h('th', {scope: 'col'}, head)))),
    h('tbody', {}, rows.map(row => h('tr', {}, row.map((cell, i) =>
      i === 0 ? h('th', {scope: 'row'}, cell) : h('td', {class: cell === null ? 'none' : null}, cell === null ? 'none' : cell)))))));
}
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (refused) { /* pages from files have no clipboard in some browsers */
    const area = h('textarea', {'aria-hidden': 'true', style: 'position:fixed;opacity:0'});
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
function copyButton(label, value) {
  const button = h('button', {type: 'button', class: 'no-print', 'aria-label': 'Copy data of ' + label, click: async () => {
    const done = await copy(JSON.stringify(value(), null, 1));
    button.textContent = done ? 'copied' : 'not possible here';
    setTimeout(() => { button.textContent = 'copy data'; }, 1500);
  }}, 'copy data');
  return button;
}
/* `rows` is asked for only when somebody looks. */
function under(label, value, heads, rows) {
  const details = h('details', {toggle: () => {
    if (details.open && details.children.length === 1) details.append(table(heads, rows()));
  }}, h('summary', {}, 'as a table'));
  return h('div', {class: 'under'}, copyButton(label, value), heads ? details : null);
}

/* Axes. */
function ticks(low, high, about) {
  const raw = (high - low) / about, power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 5, 10].map(k => k * power).find(size => size >= raw * .999), list = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) list.push(Number((k * step).toPrecision(12)));
  return list;
}
const scale = (low, high, from, to) => value => from + (value - low) / (high - low || 1) * (to - from);
function widened(low, high, share) {
  const margin = (high - low) * share || Math.abs(high) * .05 || 1;
  return [low - margin, high + margin];
}

/* Curves. */
let across = 'epoch';
/* The report at an epoch's end may be a mean over few steps, which jumps: it is in the data, and not drawn. */
function isShort(steps, i) {
  return i > 0 && i < steps.length && steps.length > 4 && steps[i] - steps[i - 1] < .25 * steps[steps.length - 1] / steps.length;
}
function curvesOf(kind, term) {
  return runs.map((run, index) => ({index, run, of: run[kind]})).filter(it => it.of && it.of.terms[term]).map(it => {
    const kept = it.of.step.map((step, i) => i).filter(i => kind !== 'losses' || !isShort(it.of.step, i));
    return {...it, x: kept.map(i => it.of[across][i]), y: kept.map(i => it.of.terms[term][i])};
  });
}
/* First reports may lie far off and press all that follows flat. */
function rangeOf(curves) {
  const all = [], later = [];
  for (const curve of curves)
    curve.y.forEach((value, i) => {
      if (!isNumber(value)) return;
      all.push(value);
      if (i >= curve.y.length * .1) later.push(value);
    });
  const span = list => [Math.min(...list), Math.max(...list)];
  if (all.length === 0) return null;
  const [low, high] = span(all), [lowLater, highLater] = later.length > 3 ? span(later) : [low, high];
  const cut = highLater > lowLater && highLater - lowLater < (high - low) / 3;
  return {range: cut ? widened(lowLater, highLater, .15) : widened(low, high, .05), cut};
}
function curveChart(kind, term) {
  const width = 400, height = 210, left = 52, right = 10, top = 8, bottom = 34;
  const curves = curvesOf(kind, term), found = rangeOf(curves);
  if (found === null) return null;
  const most = Math.max(...curves.map(curve => Math.max(...curve.x))), [low, high] = found.range;
  const x = scale(0, most, left, width - right), y = scale(low, high, height - bottom, top);
  const clip = 'clip-' + anchor(kind + '-' + term + '-' + across);
  const name = `${term} over ${across === 'step' ? 'steps' : across === 'epoch' ? 'epochs' : 'seconds'}`;
  const ends = curves.map(curve => `${curve.run.name} ends at ${plain(curve.y.filter(isNumber).pop())}`).join('; ');
  const dots = curves.map(curve => curve.y.map((value, i) => [x(curve.x[i]), isNumber(value) ? y(value) : null]));
  return s('svg', {class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${name}: ${ends}`},
    s('title', {}, name), s('desc', {}, ends),
    s('clipPath', {id: clip}, s('rect', {x: left, y: top, width: width - left - right, height: height - top - bottom})),
    ticks(low, high, 5).map(value => [
      s('line', {class: 'gridline', x1: left, x2: width - right, y1: y(value), y2: y(value)}),
      s('text', {x: left - 6, y: y(value) + 4, 'text-anchor': 'end'}, plain(value))]),
    ticks(0, most, 5).map(value => s('text', {x: x(value), y: height - bottom + 16, 'text-anchor': 'middle'}, plain(value))),
    s('line', {class: 'axis', x1: left, x2: width - right, y1: height - bottom, y2: height - bottom}),
    s('text', {x: width - right, y: height - 3, 'text-anchor': 'end'}, across === 'seconds' ? 'seconds' : across + 's'),
    s('g', {'clip-path': `url(#${clip})`}, dots.map((line, i) => {
      let path = '', on = false;
      for (const [px, py] of line) {
        if (py !== null) path += `${on ? 'L' : 'M'}${px.toFixed(1)} ${py.toFixed(1)}`;
        on = py !== null;
      }
      return s('path', {class: 'curve', d: path, stroke: colour(curves[i].index), 'stroke-dasharray': dash(curves[i].index)});
    })),
    dots.map((line, i) => { /* each run's sign at its end; of a single report all that there is */
      const last = line.filter(([, py]) => py !== null).pop();
      return last && last[1] >= top && last[1] <= height - bottom && (!alone || line.length === 1) ? mark(curves[i].index, ...last, 3.4) : null;
    }));
}
function curveFigure(kind, term) {
  const chart = curveChart(kind, term);
  if (chart === null) return null;
  const curves = curvesOf(kind, term), cut = rangeOf(curves).cut;
  const some = !alone && curves.length < runs.length ? curves.map(curve => curve.run.name).join(', ') : '';
  return h('figure', {},
    h('figcaption', {}, h('strong', {}, term), kind === 'watched' ? ' on the test split' : '',
      some ? h('span', {class: 'soft'}, ` of ${some} only`) : '', cut ? h('span', {class: 'soft'}, '; its first points lie outside') : ''),
    chart,
    under(term, () => curvesOf(kind, term).map(it => ({run: it.run.run, step: it.of.step, epoch: it.of.epoch,
      seconds: it.of.seconds, [term]: it.of.terms[term]})), ['run', 'step', 'epoch', term],
      () => curves.flatMap(it => it.of.terms[term].map((value, i) => [it.run.name, plain(it.of.step[i]), plain(it.of.epoch[i]), plain(value)]))));
}
function curvesSection() {
  const kinds = ['losses', 'watched'].map(kind => [kind, [...new Set(runs.flatMap(run => Object.keys((run[kind] || {terms: {}}).terms)))]]);
  if (kinds.every(([, terms]) => terms.length === 0)) return section('Curves', h('p', {class: 'absent'}, 'no loss has been reported yet'));
  const place = h('div', {class: 'side'});
  const draw = () => place.replaceChildren(...kinds.flatMap(([kind, terms]) => terms.map(term => curveFigure(kind, term))).filter(Boolean));
  const choice = (value, words) => h('label', {}, h('input', {type: 'radio', name: 'across', value,
    checked: value === across ? '' : null, change: () => { across = value; draw(); }}), words);
  draw();
  return section('Curves',
    h('p', {class: 'soft small'}, 'Terms of the loss in training, sums over features and means over the batch; likelihoods are in nats. ',
      'Of a long training neighbouring reports are averaged; means over few steps at an epoch\'s end are not drawn.'),
    h('fieldset', {}, h('legend', {}, 'Across:\u00a0'), choice('epoch', 'epochs'), choice('step', 'steps'), choice('seconds', 'seconds')),
    legend(), place);
}

/* Pictures. */
const nouns = {samples: 'samples', reconstructions: 'reconstructions', nearest: 'neighbours', interpolation: 'interpolation'};
const has = (run, kind) => run.evaluation || run.pictures.some(it => it.kind === kind);
function picture(index, kind) {
  const found = runs[index].pictures.find(it => it.kind === kind), name = runs[index].name;
  const reason = found ? found.reason : runs[index].evaluation ? 'not drawn' : 'not drawn yet: duet report draws it';
  const words = found && found.words || '';
  return h('figure', {}, alone ? null : h('figcaption', {}, who(index)),
    found && found.source
      ? h('img', {src: found.source, width: found.width, height: found.height, alt: `${kind} of ${name}: ${words}`})
      : h('p', {class: 'absent'}, `no ${nouns[kind]}: ${reason}`));
}
function pictureGroup(kind, title) {
  const words = runs.map(run => (run.pictures.find(it => it.kind === kind) || {}).words).find(Boolean);
  return [h('h3', {}, title), words ? h('p', {class: 'soft small'}, capital(words) + '.') : null,
    h('div', {class: runs.length < 3 ? 'side few' : runs.length > 4 ? 'side many' : 'side'}, runs.map((run, i) => picture(i, kind)))];
}
function picturesSection() {
  const one = (kind, title) => h('div', {}, pictureGroup(kind, title));
  const all = [['samples', 'Samples'], ['reconstructions', 'Reconstructions'], ['nearest', 'Nearest training neighbours of samples'],
    ['interpolation', 'From one latent to another']].filter(([kind]) => runs.some(run => has(run, kind)));
  if (all.length === 0) return section('Pictures', h('p', {class: 'absent'}, 'no picture has been drawn yet'));
  return section('Pictures', alone ? h('div', {class: 'side few'}, all.map(([kind, title]) => one(kind, title)))
    : all.map(([kind, title]) => one(kind, title)));
}
function stages() {
  const list = runs[0].pictures.filter(it => it.kind === 'stage' && it.source);
  if (list.length < 2) return null;
  return section('How samples changed', h('p', {class: 'soft small'}, 'The same latents at each epoch\'s end.'),
    h('div', {class: 'stages'}, list.map(it => h('figure', {}, h('figcaption', {class: 'soft'}, it.words),
      h('img', {src: it.source, width: it.width, height: it.height, alt: 'samples ' + it.words})))));
}

/* Codes. */
function codesChart(index) {
  const codes = runs[index].evaluation && runs[index].evaluation.latents, name = runs[index].name;
  const caption = h('figcaption', {}, alone ? null : who(index), ' ');
  if (!codes || !codes.x) {
    const reason = codes && codes.reason || 'not evaluated yet';
    return h('figure', {}, caption, h('p', {class: 'absent'}, `no codes: ${reason}`));
  }
  const side = 360, xs = codes.x.filter(isNumber), ys = codes.y.filter(isNumber);
  const flat = Math.max(...ys) === Math.min(...ys);
  const middle = list => (Math.max(...list) + Math.min(...list)) / 2;
  const reach = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) * .54 || 1;
  const x = scale(middle(xs) - reach, middle(xs) + reach, 0, side), y = scale(middle(ys) - reach, middle(ys) + reach, side, 0);
  const kinds = [...new Set(codes.labels)].sort((a, b) => a - b), labelled = kinds.length > 1;
  const nameOf = label => codes.class_names && codes.class_names[label] || `class ${label}`;
  const dots = label => codes.x.map((value, i) => labelled && codes.labels[i] !== label || !isNumber(value) || !isNumber(codes.y[i]) ? ''
    : `M${x(value).toFixed(1)} ${y(codes.y[i]).toFixed(1)}h0`).join('');
  const description = `${codes.words}${labelled ? ', coloured by ' + kinds.length + ' classes' : ''}`;
  return h('figure', {}, caption,
    s('svg', {class: 'chart square', viewBox: `0 0 ${side} ${flat ? 60 : side}`, role: 'img', 'aria-label': `Codes of ${name}: ${description}`},
      s('title', {}, 'Codes of ' + name), s('desc', {}, description),
      s('rect', {x: .5, y: .5, width: side - 1, height: (flat ? 60 : side) - 1, fill: 'none', class: 'axis'}),
      s('g', flat ? {transform: `translate(0 ${30 - side / 2})`} : {}, (labelled ? kinds : [null]).map(label => s('path', {d: dots(label),
        stroke: label === null ? colour(index) : colour(label), 'stroke-width': 4.5, 'stroke-linecap': 'round', 'stroke-opacity': .75})))),
    labelled ? h('ul', {class: 'legend small'}, kinds.map(label => h('li', {class: 'run'},
      s('svg', {width: 10, height: 10, 'aria-hidden': 'true'}, s('circle', {cx: 5, cy: 5, r: 4.5, fill: colour(label)})), nameOf(label)))) : null,
    h('p', {class: 'soft small'}, codes.words + '.'),
    under('codes of ' + name, () => ({run: runs[index].run, ...codes}), ['example', 'x', 'y', 'class'],
      () => codes.x.map((value, i) => [String(i), plain(value), plain(codes.y[i]), labelled ? nameOf(codes.labels[i]) : null])));
}
const codesSection = () => runs.every(run => !run.evaluation) ? null : section('Latents', h('div', {class: runs.length < 3 ? 'side few' : runs.length > 4 ? 'side many' : 'side'}, runs.map((run, i) => codesChart(i))));

/* Metrics. */
const direction = metric => ({larger: 'larger is better', smaller: 'smaller is better', near: `best near ${metric.target}`,
  neither: 'neither is better'})[metric.better];
function whiskers(metric) {
  const shown = metric.values.map((cell, index) => ({...cell, index})).filter(cell => isNumber(cell.value));
  const ends = shown.flatMap(cell => [cell.value, cell.low, cell.high]).filter(isNumber);
  if (metric.better === 'near') ends.push(metric.target);
  const width = 420, row = 18, height = shown.length * row + 26, left = 12;
  const [low, high] = widened(Math.min(...ends), Math.max(...ends), .06), x = scale(low, high, left, width - left);
  const words = shown.map(cell => `${runs[cell.index].name} ${estimate(cell)[0]}` + (estimate(cell)[1] ? ` (${estimate(cell)[1]})` : '')).join('; ');
  return s('svg', {class: 'whiskers', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${metric.name}: ${words}`},
    s('title', {}, metric.name), s('desc', {}, words),
    ticks(low, high, 5).map(value => [s('line', {class: 'gridline', x1: x(value), x2: x(value), y1: 2, y2: height - 18}),
      x(value) > 18 && x(value) < width - 18 ? s('text', {x: x(value), y: height - 4, 'text-anchor': 'middle'}, plain(value)) : null]),
    metric.better === 'near' ? s('line', {class: 'target', x1: x(metric.target), x2: x(metric.target), y1: 0, y2: height - 18}) : null,
    shown.map((cell, i) => {
      const y = i * row + 11;
      return [isNumber(cell.low) && isNumber(cell.high) ? [
        s('line', {x1: x(cell.low), x2: x(cell.high), y1: y, y2: y, stroke: colour(cell.index), 'stroke-width': 2}),
        [cell.low, cell.high].map(end => s('line', {x1: x(end), x2: x(end), y1: y - 4, y2: y + 4, stroke: colour(cell.index), 'stroke-width': 2}))] : null,
      mark(cell.index, x(cell.value), y, 4.4)];
    }));
}
/* Why runs do not give a metric: each reason once, with the runs' names where not all give it. */
function reasonsOf(metric) {
  const reasons = new Map();
  metric.values.forEach((cell, i) => {
    if (!isNumber(cell.value)) reasons.set(cell.reason, [...reasons.get(cell.reason) || [], runs[i].name]);
  });
  return [...reasons].map(([reason, names]) => ({reason, names: names.length < runs.length ? names.join(', ') : ''}));
}
function metricRow(metric) {
  const given = metric.values.filter(cell => isNumber(cell.value)).length;
  const value = (cell, index) => {
    if (!isNumber(cell.value)) return null;
    const [middle, interval] = estimate(cell);
    return h('li', {}, alone ? null : who(index), h('span', {class: 'value'}, h('strong', {}, middle),
      interval ? h('span', {class: 'soft'}, ` (${interval})`) : null,
      metric.best.includes(index) ? h('span', {class: 'better'}, metric.best.length > 1 ? 'level in front' : 'better') : null));
  };
  return h('div', {class: 'metric'},
    h('div', {}, h('div', {class: 'name'}, metric.name), h('div', {class: 'soft'}, [metric.unit, direction(metric)].filter(Boolean).join('; '))),
    h('div', {}, given && !(alone && !isNumber(metric.values[0].low)) ? whiskers(metric) : null),
    h('div', {}, h('ul', {class: 'values'}, metric.values.map(value)),
      reasonsOf(metric).map(({reason, names}) => h('div', {class: 'soft small'}, `not given by ${names}: ${reason}`)),
      metric.not_comparable ? h('div', {class: 'soft small'}, 'not compared: ' + metric.not_comparable) : null),
    h('div', {}, given ? under(metric.name, () => metric.values.map((cell, i) => ({run: runs[i].run, metric: metric.name, unit: metric.unit, ...cell}))) : null));
}
function metricsSection() {
  const given = data.metrics.filter(metric => metric.values.some(cell => isNumber(cell.value)));
  const missing = data.metrics.filter(metric => !given.includes(metric)), groups = [...new Set(given.map(metric => metric.group))];
  if (data.metrics.length === 0) return null;
  if (given.length === 0) return section('Metrics', h('p', {class: 'absent'}, 'no metric could be computed'));
  return section('Metrics',
    h('p', {class: 'soft small'}, 'On the test split, with intervals of 95% where a metric has one. ',
      alone ? '' : 'A run is marked as better where its interval does not overlap that of a worse one.'),
    groups.map(group => [h('h3', {}, group), given.filter(metric => metric.group === group).map(metricRow)]),
    missing.length ? h('details', {}, h('summary', {}, `${missing.length} metrics that ${alone ? 'this run does not give' : 'none of these runs gives'}`),
      h('dl', {class: 'about'}, missing.map(metric => [h('dt', {}, metric.name),
        reasonsOf(metric).map(({reason, names}) => h('dd', {}, names ? `${names}: ${reason}` : reason))]))) : null,
    h('details', {}, h('summary', {}, 'What each metric means'),
      h('dl', {class: 'about'}, [...new Map(given.map(metric => [metric.metric, metric.summary]))].map(([name, summary]) => [h('dt', {}, name), h('dd', {}, summary)]))));
}

/* Cost, health, settings. */
function costSection() {
  const facts = [['time in all', run => duration(run.cost.seconds)], ['steps', run => count(run.cost.step)],
    ['a step (median)', run => isNumber(run.cost.step_ms) ? `${plain(run.cost.step_ms)} ms` : 'not known'],
    ['examples a step', run => count(run.batch)], ['parameters', run => count(run.cost.parameters)],
    ['checkpoint', run => bytes(run.cost.checkpoint_bytes)], ['memory', run => bytes(run.cost.memory_bytes)],
    ['device', run => run.device.name], ['driver', run => `${run.device.version}, ${run.device.driver}`]];
  return section('Cost', table(['', ...runs.map(run => run.name)], facts.map(([name, show]) => [name, ...runs.map(show)])),
    h('div', {class: 'under'}, copyButton('cost', () => runs.map(run => ({run: run.run, batch: run.batch, ...run.cost, device: run.device})))));
}
const ailments = {
  'loss-below-zero': 'the discriminator\'s cross-entropy fell below 0',
  'loss-without-bound': 'the discriminator\'s loss fell without a bound',
  'kl-below-zero': 'the KL term was below 0, which a divergence cannot be: a fault of the model',
  'loss-bound': 'the generator\'s loss was smaller than the discriminator\'s allows: a fault',
  'discriminator-wins': 'the discriminator told every example apart, and the generator learnt next to nothing',
  'discriminator-loses': 'the discriminator took nearly every example for the other kind',
  'posterior-collapse': 'the posterior said nearly nothing of the example',
};
function healthSection() {
  const rows = runs.flatMap(run => run.health.map(it => [run.name, it.name, ailments[it.name] || '',
    it.reports > 1 ? `epochs ${plain(it.first_epoch)} ${TO} ${plain(it.last_epoch)}` : `epoch ${plain(it.first_epoch)}`, count(it.reports)]));
  return section('Health', rows.length ? table(['run', 'finding', 'meaning', 'when', 'reports'], rows)
    : h('p', {}, alone ? 'No report of the training showed a finding.' : 'No report of these trainings showed a finding.'));
}
function differencesSection() {
  const all = data.differences.filter(row => row.everywhere), some = data.differences.filter(row => !row.everywhere);
  const shown = rows => table(['setting', ...runs.map(run => run.name)], rows.map(row => [row.setting, ...row.values]));
  return section('What differs', all.length ? shown(all) : h('p', {}, 'Nothing that all of these runs have.'),
    some.length ? h('details', {}, h('summary', {}, `${some.length} settings that only some of these models have`), shown(some)) : null,
    h('details', {}, h('summary', {}, `${data.common.length} settings in which they agree`), table(['setting', 'value'], data.common.map(row => [row.setting, row.value]))));
}
function settingsSection() {
  return section('Settings', h('details', {}, h('summary', {}, `${data.common.length} settings`),
    table(['setting', 'value'], data.common.map(row => [row.setting, row.value]))));
}

/* A blind sheet: people say which pictures are real, then look. */
function wilson(hits, n) {
  const z = 1.96, share = hits / n, over = 1 + z * z / n, middle = (share + z * z / (2 * n)) / over;
  const reach = z * Math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / over;
  return [middle - reach, middle + reach];
}
function blindSection() {
  const sheet = runs[0].pictures.find(it => it.kind === 'blind');
  if (!sheet) return null;
  if (!sheet.source) return section('Blind sheet', h('p', {class: 'absent'}, 'no blind sheet: ' + sheet.reason));
  const total = sheet.real.length, columns = sheet.columns, rows = Math.ceil(total / columns);
  const wide = (sheet.width + 1) / columns, high = (sheet.height + 1) / rows; /* a pixel lies between pictures */
  const taken = sheet.real.map(() => false), result = h('p', {role: 'status'});
  const cells = sheet.real.map((real, i) => {
    const canvas = h('canvas', {width: Math.round(wide - 1), height: Math.round(high - 1), 'aria-hidden': 'true'});
    return {canvas, button: h('button', {type: 'button', 'aria-pressed': 'false', 'aria-label': `picture ${i + 1} is real`, click: event => {
      taken[i] = !taken[i];
      event.currentTarget.setAttribute('aria-pressed', String(taken[i]));
    }}, canvas, String(i + 1))};
  });
  const image = new Image();
  image.addEventListener('load', () => cells.forEach(({canvas}, i) => canvas.getContext('2d').drawImage(image,
    Math.round(i % columns * wide), Math.round(Math.floor(i / columns) * high), canvas.width, canvas.height, 0, 0, canvas.width, canvas.height)));
  image.src = sheet.source;
  const judge = () => {
    const hits = taken.filter((said, i) => said === sheet.real[i]).length, [low, high] = wilson(hits, total);
    result.textContent = `${hits} of ${total} right, ${Math.round(100 * hits / total)}% (${Math.round(100 * low)}% to ${Math.round(100 * high)}%). ` +
      (low > .5 ? 'You tell them apart.' : high < .5 ? 'You take made ones for real.' : 'That is no more than guessing.');
  };
  const list = real => sheet.real.map((is, i) => is === real ? i + 1 : null).filter(Boolean).join(', ');
  return section('Blind sheet',
    h('p', {}, `Of these ${total} pictures ${sheet.real.filter(Boolean).length} are real and unseen in training, the others made by the model. Press those that you take for real, then count.`),
    h('div', {class: 'blind'}, cells.map(cell => cell.button)),
    h('button', {type: 'button', class: 'no-print', click: judge}, 'Count my answers'), result,
    h('details', {}, h('summary', {}, 'Key'), h('p', {}, `Real: ${list(true)}. Made: ${list(false)}.`)));
}

/* The page. */
const titles = [];
function section(title, ...children) {
  titles.push(title);
  return h('section', {id: anchor(title), 'aria-labelledby': 'h-' + anchor(title)}, h('h2', {id: 'h-' + anchor(title)}, title), children);
}
function verdicts() {
  if (alone || data.verdicts.length === 0) return null;
  return section('What the numbers say', h('dl', {class: 'verdicts'}, data.verdicts.map(it => [h('dt', {}, it.group), h('dd', {}, it.text)])));
}
function notes() {
  const list = [];
  for (const run of runs) {
    if (run.evaluation && run.chosen_by) list.push(`${alone ? '' : run.run + ': '}${alone ? 'The' : 'the'} epoch was chosen by ${run.chosen_by} on the test examples: on these it is better than on others, by how much no interval says.`);
    if (!run.evaluation) list.push([alone ? '' : run.name + ': ', alone ? 'No evaluation yet. ' : 'no evaluation yet. ', h('code', {}, 'duet report ' + shellWord(run.run)), ' adds metrics and pictures.']);
    else if (run.evaluation_is_old) list.push([alone ? '' : run.name + ': ', `${alone ? 'Metrics' : 'metrics'} and pictures are of ${run.evaluation.checkpoint.step < run.checkpoint.step ? `step ${run.evaluation.checkpoint.step}; the run has gone on since` : `another checkpoint, of step ${run.evaluation.checkpoint.step}`}. `,
      h('code', {}, 'duet report ' + shellWord(run.run)), ' makes new ones.']);
  }
  const evaluated = runs.filter(run => run.evaluation), used = new Set(evaluated.map(run => run.use));
  const set = run => run.use === 'nothing' ? 'nothing set' : run.use.replaceAll(' ', ', ');
  if (used.size > 1) list.push(`Metrics and pictures were made under different settings: ${evaluated.map(run => `${run.name} with ${set(run)}`).join('; ')}.`);
  else if (evaluated.length && !used.has('nothing')) list.push(`Metrics and pictures were made with ${set(evaluated[0])}.`);
  if (data.metrics.some(metric => metric.not_comparable === 'measured on different data')) list.push('These runs are on different data: what is measured against the data is not compared.');
  return list.map(words => h('p', {class: 'note'}, words));
}
function summary() {
  const run = runs[0], asked = run.epochs, done = run.cost.epoch;
  const progress = !isNumber(done) ? 'not begun' : isNumber(asked) && done < asked - 1e-9 ? `epoch ${plain(done)} of ${asked}` : `${plain(done)} epochs`;
  const judges = [...new Set(runs.map(it => it.evaluation && it.evaluation.judge && !it.evaluation.judge.left_out && it.evaluation.judge.run).filter(Boolean).map(nameOfPath))];
  const words = alone ? [run.model, 'on ' + run.data.name, progress, duration(run.cost.seconds), run.device.name]
    : [[...new Set(runs.map(it => it.model))].join(', '), 'on ' + [...new Set(runs.map(it => it.data.name))].join(', '), [...new Set(runs.map(it => it.device.name))].join(', ')];
  if (judges.length) words.push('judged by ' + judges.join(', '));
  return h('p', {class: 'soft'}, words.join(' \u00b7 '));
}
const body = alone ? [picturesSection(), blindSection(), stages(), curvesSection(), metricsSection(), codesSection(), costSection(), healthSection(), settingsSection()]
  : [verdicts(), differencesSection(), picturesSection(), curvesSection(), metricsSection(), costSection(), codesSection(), healthSection()];
const links = titles.length ? h('nav', {'aria-label': 'Parts of this page'}, h('ul', {}, body.filter(Boolean).map(part =>
  h('li', {}, h('a', {href: '#' + part.id}, part.firstChild.textContent))))) : null;
document.body.append(
  h('header', {}, h('p', {class: 'kind'}, alone ? 'Duet report' : `Duet comparison of ${runs.length} runs`),
    alone ? h('h1', {}, runs[0].name) : h('h1', {}, runs.map(run => run.name).join(runs.length === 2 ? ' and ' : ', ')),
    summary(), legend(), notes(), links),
  h('main', {}, body,
    h('details', {}, h('summary', {}, 'Where this page comes from'),
      h('p', {class: 'small'}, `Made ${String(data.made).replace('T', ' ').replace('Z', ' UTC')} by duet ${data.duet} from the files of `, runs.map((run, i) => [i ? ', ' : '', h('code', {}, run.run)]), '.'),
      runs.map(run => [alone ? null : h('h3', {}, run.name), table(['fact', 'value'], [['device', `${run.device.name} (${run.device.kind}, ${run.device.vendor})`],
        ['platform', run.device.platform], ['driver', `${run.device.version}, ${run.device.driver}`], ['commit', String((run.versions || {}).commit || 'not known')],
        ['data', `${run.data.name}: ${run.data.source}`], ['parameters', Object.entries(run.parameters || {}).map(([name, n]) => `${name} ${count(n)}`).join(', ')],
        ['environment', Object.entries(run.environment || {}).map(([name, value]) => `${name}=${value}`).join(' ') || 'as usual']])]),
      h('p', {}, copyButton('the whole page', () => data)))));
})();
