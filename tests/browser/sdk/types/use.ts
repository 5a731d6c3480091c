/** A program in TypeScript that uses all of the package. The compiler checks it; nobody runs it. */

import { ChatError, LIMITS, REPORT_CATEGORIES, connect } from 'cipher-chat';
import type { Chat, ChatClient, End, EndReason, ErrorCode, HelperPass, Invite, Said, SafetyCode, Sent, Status, Wanted } from 'cipher-chat';

export async function useAll(signal: AbortSignal): Promise<End> {
  const client: ChatClient = await connect({ url: new URL('https://chat.example/'), WebSocket, pass: 'https://chat.example/desk#secret.pass', helperKey: ['key'] });
  const status: Status = await client.status();
  const topics: string[] = status.topics ?? [];
  const off: () => void = client.on('busy', ({ retryInMs, closed }) => console.log(retryInMs + 1, closed === true));
  off();
  client.on('service', ({ paused, closed, notice }: { paused: boolean; closed: string | null; notice: string | null }) => console.log(paused, closed, notice));
  const invite: Invite = await client.createInvite();
  const wanted: Wanted[] = [{ topic: topics[0], language: 'ko', role: 'offer', signal }, { invite }, { invite: invite.link, role: 'offer' }, {}];
  const chat: Chat = await client.find(wanted[0]);
  const code: SafetyCode = chat.safetyCode;
  console.log(code.emoji.join(''), code.numbers.length, chat.byInvite, chat.peer === 'away');
  chat.on('text', ({ id, text, raw, replyTo }) => console.log(id + 1, text.length, raw.length, replyTo === 'gone'));
  chat.on('reaction', ({ to, text }: { to: Said; text: string }) => console.log(to.own, to.id, text));
  chat.on('edited', ({ id, text }) => console.log(id, text));
  chat.on('deleted', ({ id }) => console.log(id));
  chat.on('timer', ({ seconds }) => console.log(seconds + 1));
  chat.on('unknown', () => {});
  chat.on('credential', ({ standing, topics }: HelperPass) => console.log(standing === 'verified', topics?.length));
  chat.on('handover', async ({ accept }) => console.log((await accept()).helper?.expires));
  const handedOn: Invite = await chat.handOver('pass');
  console.log(handedOn.link);
  chat.on('delivered', (sent: Sent) => console.log(sent.id + 1, sent.state === 'delivered'));
  chat.on('connection', ({ state, keptMs }) => console.log(state === 'silent', keptMs ?? 0));
  try {
    const received: boolean = await chat.send('x'.repeat(LIMITS.textBytes)).delivered;
    console.log(received);
  } catch (fault) {
    if (!(fault instanceof ChatError)) throw fault;
    const code: ErrorCode = fault.code;
    console.log(code === 'full');
  }
  for await (const text of chat) console.log(text.length);
  const taken: boolean = await chat.report(REPORT_CATEGORIES[0]);
  const reason: EndReason = (await chat.end()).reason;
  console.log(taken, reason === 'bye');
  client.close();
  return chat.ended;
}

export async function wrong(client: ChatClient, chat: Chat) {
  // @ts-expect-error There is no such role.
  await client.find({ role: 'helper' });
  // @ts-expect-error An invite is no topic.
  await client.find({ topic: 'music', invite: 'link' });
  // @ts-expect-error There is no such event.
  chat.on('message', () => {});
  // @ts-expect-error A text is a string.
  chat.send(1);
  // @ts-expect-error It is made by `find`.
  chat.tell('text', {});
  // @ts-expect-error There is no such category.
  await chat.report('rude');
  // @ts-expect-error A server has an address.
  await connect({});
}
