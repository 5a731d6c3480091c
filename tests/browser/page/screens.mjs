/**
 * Every screen and every state of a chat, in each language, narrow, wide and low, light and dark: axe
 * finds nothing wrong with it, it fits, and it speaks one language. A picture of each is kept in
 * `screenshots`, to be looked at.
 */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, test } from 'node:test';

import { eventually, makeInvite, reads, ready, seek, violations, world, write } from './support.mjs';

const PICTURES = fileURLToPath(new URL('../screenshots', import.meta.url));
/** A small phone, a wide window, a phone on its side. */
const SIZES = [{ width: 320, height: 640 }, { width: 1280, height: 800 }, { width: 844, height: 390 }];
const SCHEMES = /** @type {const} */ (['light', 'dark']);
/** Two languages are looked at in every way; the others where they differ, in length and direction. */
const WAYS = SIZES.flatMap((size, at) => SCHEMES.map((scheme, which) => ({ size, scheme, axe: at === which })));
const FEWER = [WAYS[0], WAYS[3]];

/** What shows that another language was left in, but for a few words that belong to all. */
const STRANGE = {
  en: /[^\x00-\x7f‘’“”…●–·\ufe0f\p{Emoji}]/u, es: /[^\x00-\x7f‘’“”«»…●–·¿¡áéíóúñü\ufe0f\p{Emoji}]|\b(the|and|you|chat|message)\b/iu,
  ko: /[a-z]{3,}/i, ja: /[a-z]{3,}|[\uac00-\ud7a3]/i, ar: /[a-z]{3,}/i,
};
const COMMON = /cipher-chat|X25519|HTTPS|Esc|ML-KEM|Host|proxy_set_header|\$(http_)?host|Nginx/g;
const LOCALES = { en: 'en-US', ko: 'ko-KR', ja: 'ja-JP', es: 'es-ES', ar: 'ar-EG' };

const SAID = {
  en: [
    ['guest', 'Hi! Is this the right place?'], ['host', 'It is. Thank you for coming.'], ['host', 'I did not want to write this anywhere where it stays. (See https://example.org/letters.)'],
    ['guest', 'I understand. Take your time; nobody else can read along.'], ['host', 'All right.\n\nSo: it began last week, when I found an old letter in a book that I had bought second-hand.'],
    ['guest', `Who was it from? ${'?'.repeat(120)}`], ['host', '📖'],
  ],
  ko: [
    ['guest', '안녕하세요! 여기가 맞나요?'], ['host', '네, 맞아요. 와 주셔서 고마워요.'], ['host', '어딘가에 남는 곳에는 쓰고 싶지 않았어요. (https://example.org/letters)'],
    ['guest', '이해해요. 천천히 말씀하세요. 다른 사람은 아무도 읽을 수 없으니까요.'], ['host', '좋아요.\n\n지난주에 헌책방에서 산 책에서 오래된 편지를 발견하면서 시작된 이야기예요.'],
    ['guest', `누가 쓴 편지였나요${'?'.repeat(120)}`], ['host', '📖'],
  ],
  ja: [
    ['guest', 'こんにちは。ここで合っていますか？'], ['host', 'はい。来てくれてありがとう。'], ['host', 'どこかに残る場所には書きたくなかったのです。（https://example.org/letters）'],
    ['guest', '分かります。ゆっくりどうぞ。ほかの誰にも読めません。'], ['host', 'では。\n\n先週、古本屋で買った本の中に、古い手紙を見つけたのが始まりです。'],
    ['guest', `誰からの手紙でしたか${'？'.repeat(120)}`], ['host', '📖'],
  ],
  es: [
    ['guest', 'Hola, ¿es aquí?'], ['host', 'Sí. Gracias por venir.'], ['host', 'No quería escribir esto en ningún sitio donde se quede. (https://example.org/letters)'],
    ['guest', 'Lo entiendo. Tómate tu tiempo; nadie más puede leerlo.'], ['host', 'Bien.\n\nEmpezó la semana pasada, cuando encontré una carta antigua en un libro de segunda mano.'],
    ['guest', `¿De quién era${'?'.repeat(120)}`], ['host', '📖'],
  ],
  ar: [
    ['guest', 'مرحبًا! هل هذا هو المكان الصحيح؟'], ['host', 'نعم. شكرًا لقدومك.'], ['host', 'لم أرغب في كتابة هذا في مكان يبقى فيه. (https://example.org/letters)'],
    ['guest', 'أفهم ذلك. خذ وقتك؛ لا أحد غيرنا يستطيع القراءة.'], ['host', 'حسنًا.\n\nبدأ الأمر في الأسبوع الماضي، عندما وجدت رسالة قديمة في كتاب مستعمل.'],
    ['guest', `ممن كانت${'؟'.repeat(120)}`], ['host', '📖'],
  ],
};
const TOPICS = { en: 'letters', ko: '편지', ja: '手紙', es: 'cartas', ar: 'رسائل' };
const STILL_THERE = { en: 'Are you still there?', ko: '아직 계신가요?', ja: 'まだいますか？', es: '¿Sigues ahí?', ar: 'هل ما زلت هنا؟' };
const NOT_DELIVERED = { en: 'not delivered', ko: '전해지지 않은 말', ja: '届かない言葉', es: 'no llegó', ar: 'لم تصل' };
/** The state of somebody who tries again, which is not the one before. */
const AGAIN = { en: /again/, ko: /다시/, ja: /もう一度/, es: /de nuevo/, ar: /مجددًا/ };

mkdirSync(PICTURES, { recursive: true });

/** Opens the menu of a message, counted from the first that has one. */
async function menuOf(page, at) {
  const line = page.locator('.line:has(.more:not([hidden]))').nth(at);
  await line.scrollIntoViewIfNeeded();
  await line.hover();
  await line.locator('.more').click();
}

/** Everything that can be done with messages, by both. */
async function react(host, guest) {
  await menuOf(host, 0);
  await host.locator('.menu-reaction').first().click();
  await menuOf(guest, 0);
  await guest.locator('.menu-reaction').nth(5).click();
  await menuOf(guest, 1);
  await guest.locator('.menu-item.reply').click();
  await write(guest, '🙂');
  await reads(host, '🙂');
  await menuOf(host, 2);
  await host.locator('.menu-item.reply').click();
  await write(host, '📚');
  await menuOf(host, 4);
  await host.locator('.menu-item.delete').click();
  await host.locator('dialog .danger').click();
  await guest.locator('.stand-in').waitFor();
  await menuOf(guest, 6);
  await guest.locator('.menu-item.edit').click();
  await write(guest, '😀');
  await host.locator('.edited:visible').waitFor();
  await guest.locator('.tool.timer').click();
  await guest.locator('dialog input[value="86400"]').check();
  await guest.locator('dialog .primary').click();
  await host.locator('.note-line').waitFor();
  // What is being written when the chat ends.
  await guest.locator('textarea').pressSequentially('…');
}

/** Looks at a state in every way. */
async function look(page, language, name) {
  const before = page.viewportSize();
  for (const { size, scheme, axe } of ['en', 'ko'].includes(language) ? WAYS : FEWER) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: `${PICTURES}/${language}-${name}-${size.width}-${scheme}.png` });
    const here = `${name}, ${size.width} px, ${scheme}`;
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${here} is too wide`);
    // Colours do not depend on the size: each is looked at once.
    if (axe) assert.deepEqual(await violations(page), [], here);
  }
  await page.setViewportSize(before);
  assert.deepEqual(await strange(page, language), [], `${name} speaks one language`);
}

/** Texts of the page itself, also those that are not seen, that are in another language. */
async function strange(page, language) {
  const texts = await page.evaluate(() => {
    const found = [];
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (nodes.nextNode()) {
      const parent = nodes.currentNode.parentElement;
      if (!parent.closest('option, noscript, .text, .quote-text, .reaction-text, .whole, #announcer, select, .words ol, .host, code')) found.push(nodes.currentNode.data);
    }
    for (const node of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      for (const name of ['aria-label', 'title', 'placeholder']) found.push(node.getAttribute(name) ?? '');
    }
    return found;
  });
  return texts.filter((text) => STRANGE[language].test(text.replace(COMMON, '')));
}

/**
 * The tests of one language; a file each, so that they run side by side.
 * @param {'en' | 'ko' | 'ja' | 'es' | 'ar'} language
 */
export function everyScreen(language) {
  describe(`every screen in ${language}`, () => {
    const it = world();
    afterEach(() => it.dismiss());
    const kind = { locale: LOCALES[language], reducedMotion: 'reduce', wire: 'another' };
    const see = (page, name) => look(page, language, name);

    test('from the start to a meeting', async () => {
      const page = await it.visitor(kind);
      assert.equal(await page.locator('html').getAttribute('lang'), language);
      assert.equal(await page.locator('html').getAttribute('dir'), language === 'ar' ? 'rtl' : 'ltr');
      await see(page, '01-start');
      await page.locator('.bar-tools .how').click();
      await see(page, '02-how');
      await page.keyboard.press('Escape');
      await page.locator('.have summary').click();
      await page.locator('.have textarea').fill('not twelve words');
      await page.locator('.have button').click();
      await page.locator('#have-fault:not(:empty)').waitFor();
      await see(page, '03-have-invite');
      await page.locator('input[type=text]').fill('x'.repeat(65));
      await page.locator('form button[type=submit]').click();
      await page.locator('#topic-fault:not(:empty)').waitFor();
      await see(page, '03-start-too-long');
      await seek(page, TOPICS[language]);
      await page.locator('.waiting').waitFor();
      await see(page, '04-waiting');
      await page.locator('.late .button').first().waitFor();
      await see(page, '04-waiting-long');
      await page.locator('.alerts').click();
      await page.locator('dialog').waitFor();
      await see(page, '04-alerts');
      await page.keyboard.press('Escape');
      page.wire.cut();
      await eventually(async () => AGAIN[language].test(await page.locator('.progress').textContent()));
      await see(page, '05-waiting-offline');
      const lost = await it.person(kind);
      await lost.goto(`${lost.wire.url}#x`);
      await lost.locator('.badge').waitFor();
      await see(lost, '06-link-incomplete');
      const old = await it.person(kind);
      await old.addInitScript(() => {
        crypto.subtle.generateKey = () => Promise.reject(new DOMException('no X25519', 'NotSupportedError'));
      });
      await old.goto(old.wire.url);
      await old.locator('.note.warn').waitFor();
      await see(old, '07-cannot-encrypt');
      const refused = await it.visitor(kind);
      await refused.route('**/v1/sessions', (route) => route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{}' }));
      await refused.reload();
      await refused.locator('form button[type=submit]').click();
      await refused.locator('.operator summary').click();
      await see(refused, '08-refused');
    });

    test('a whole chat by invite', async () => {
      const [host, guest] = [await it.visitor(kind), await it.person(kind)];
      const link = await makeInvite(host);
      await see(host, '10-invite');
      await host.locator('.words summary').click();
      await see(host, '10-invite-words');
      await guest.goto(guest.wire.url + new URL(link).hash);
      await guest.locator('.button.primary').waitFor();
      await see(guest, '11-join');
      await guest.locator('.button.primary').click();
      await Promise.all([ready(host), ready(guest)]);
      await see(host, '12-chat-begins');
      const people = { host, guest };
      for (const [who, text] of SAID[language]) {
        await write(people[who], text);
        await reads(people[who === 'host' ? 'guest' : 'host'], text.split('\n').at(-1));
      }
      await guest.locator('textarea').pressSequentially('…');
      await host.locator('.chat.typing').waitFor();
      await see(host, '13-chat');
      await react(host, guest);
      await see(host, '13-reacted');
      await menuOf(host, 0);
      await see(host, '13-menu');
      await host.locator('.menu-item.reply').click();
      await see(host, '13-reply');
      await host.locator('textarea').press('Escape');
      await menuOf(host, 1);
      await host.locator('.menu-item.edit').click();
      await see(host, '13-edit');
      await host.locator('textarea').press('Escape');
      await menuOf(host, 1);
      await host.locator('.menu-item.delete').click();
      await see(host, '13-delete');
      await host.keyboard.press('Escape');
      await host.locator('.tool.timer').click();
      await see(host, '13-timer');
      await host.keyboard.press('Escape');
      for (const [at, tool] of [['14', 'shield'], ['15', 'report'], ['16', 'leave']]) {
        await host.locator(`.tool.${tool}`).click();
        await see(host, `${at}-${tool}`);
        await host.keyboard.press('Escape');
      }
      await host.locator('.address').click();
      await see(host, '16-open-link');
      await host.keyboard.press('Escape');
      await write(host, 'x'.repeat(8200));
      await host.locator('.fault:not(:empty)').waitFor();
      await see(host, '17-too-long');
      await host.locator('textarea').fill('');

      guest.wire.cut();
      await host.locator('.dot.away').waitFor();
      await write(host, STILL_THERE[language]);
      await see(host, '18-away');
      await guest.locator('.banner:visible').waitFor();
      await see(guest, '19-reconnecting');
      guest.wire.mend();
      await guest.locator('.dot.online').waitFor();
      await host.locator('.dot.online').waitFor();

      const late = await it.person(kind);
      await late.goto(late.wire.url + new URL(link).hash);
      await late.locator('.button.primary').click();
      await late.locator('.badge').waitFor();
      await see(late, '20-link-used');

      await host.locator('.tool.leave').click();
      await host.locator('dialog .primary').click();
      await host.locator('.ended').waitFor();
      await see(host, '21-end');
      await guest.locator('.over').waitFor();
      await guest.locator('.unsent').waitFor();
      await see(guest, '22-over');
    });

    test('a chat with a stranger, to a bad end', async () => {
      const [page, other] = await it.strangers(kind, kind);
      await see(page, '30-stranger');
      await page.locator('.tool.shield').click();
      await see(page, '31-shield');
      await page.keyboard.press('Escape');
      await write(page, 'x');
      await page.locator('.tool.next').click();
      await see(page, '32-next');
      await page.keyboard.press('Escape');
      page.wire.cut();
      await page.locator('.banner:visible').waitFor();
      await write(page, NOT_DELIVERED[language]);
      await other.locator('.tool.report').click();
      await other.locator('input[value=spam]').check();
      await other.locator('dialog button[type=submit]').click();
      await other.locator('.ended').waitFor();
      await see(other, '33-reported');
      page.wire.mend();
      await page.locator('.over').waitFor();
      await see(page, '34-over-undelivered');
      await page.locator('.over .button').nth(1).click();
      await page.locator('.ended .note:visible').waitFor();
      await see(page, '35-end-undelivered');
    });
  });
}
