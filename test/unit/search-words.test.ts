import { phrasesOf, wordsOf } from '../../src/kernel/search-words';

test.each([
  // Case and accents, however they are written
  ['Zürich', 'zurich'],
  ['ZÜRICH', 'zurich'],
  ['Zu\u0308rich', 'zurich'],
  ['Straße STRASSE', 'strasse strasse'],
  ['Łukasz Søren Æther Đorđe', 'lukasz soren aether dorde'],
  ['İstanbul ISTANBUL ıstanbul', 'istanbul istanbul istanbul'],
  ['ΟΔΌΣ οδός', 'οδοσ οδοσ'],
  ['Ёлка Москва', 'елка москва'],
  ['ﬁne ① Ⅻ CO₂', 'fine 1 xii co2'],
  // What parts words
  ["O'Brien, Jean-Luc", 'o brien jean luc'],
  ['grace.hopper@example.org', 'grace hopper example org'],
  ['100% of snake_case', '100 of snake case'],
  ['+plus* "quoted" C++ a/b', 'plus quoted c a b'],
  ['tab\tand\nline\u00a0and\u3000space', 'tab and line and space'],
  ['Don\u00adau', 'donau'],
  // Scripts without spaces, and marks that are part of a word
  ['日本語テスト2026', '日 本 語 テ ス ト 2026'],
  ['ｶﾞ が か\u3099', 'ガ が が'],
  ['한국어 검색', '한국어 검색'],
  ['हिन्दी में', 'हिन्दी में'],
  ['สวัสดี', 'ส วั ส ดี'],
  // No words at all
  ['🎉 ❤️ 👩‍🔬', ''],
  ['%_+*"\'-–—…', ''],
  ['', ''],
  // HTML
  ['Grace <b>H</b>opper', 'grace hopper'],
  ['H<sub>2</sub>O<br />vapour', 'h2o vapour'],
  ['<p class="x">one</p><p>two</p>', 'one two'],
  ['Ada <ada@example.org> a < b', 'ada ada example org a b'],
])('the words of %j are %j', (text, words) => {
  expect(wordsOf(text)).toBe(words);
});

test('words of words are the same', () => {
  const text = 'Zürich Straße ΟΔΟΣ 日本語 한국어 Łódź';
  expect(wordsOf(wordsOf(text))).toBe(wordsOf(text));
});

test('a word counts by its first sixty letters, as the index has them', () => {
  expect(wordsOf(`${'a'.repeat(80)} b`)).toBe(`${'a'.repeat(60)} b`);
  expect([...wordsOf('𝒜𐐨'.repeat(50))]).toHaveLength(60);
});

test('what stands between spaces is asked for as one', () => {
  expect(phrasesOf("  O'Brien  zürich - grace@example.org ")).toEqual([
    'o brien',
    'zurich',
    'grace example org',
  ]);
  expect(phrasesOf(' + % ')).toEqual([]);
});
