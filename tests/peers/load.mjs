// The load generator: the same for all systems, but for the adapter.
//
//     node load.mjs '{"system":"nats","port":1,"pids":[1],"pairs":5,"rate":5,"seconds":1,"size":128}'
//
// It connects pairs, waits, and then each connection sends `rate` messages a second to its peer.
// Prints one line of JSON. Reads the processor time and the memory of the server's processes from
// /proc itself, at the right moments.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { adapters } from "./adapters.mjs";

// Pairs that join at a time: more would measure the queue of the listening socket.
const JOINING = 32;
const JOIN_SECONDS = 20;
// Before memory is read, and before messages are counted: for what a server does after arrivals.
const SETTLE_SECONDS = 1;
const WARM_SECONDS = 1;
// At most, after the last message is sent, for those on their way: a busy machine takes long.
const DRAIN_SECONDS = 30;
// Messages of one connection that have not arrived yet. Beyond it nothing is sent, and each message
// that was due is counted as held back: a server that is too slow is not buried under more and more.
const IN_FLIGHT = 16;
// What stands first in a payload: when it was sent, in microseconds.
const STAMP_DIGITS = 16;
// A clock tick of /proc/PID/stat.
const TICKS_PER_SECOND = 100;

const load = JSON.parse(process.argv[2]);

async function main() {
    const empty = memory();
    const arriving = processorSeconds();
    const tally = { counting: false, sent: 0, arrived: 0, delivered: 0, heldBack: 0, latencies: [] };
    const sides = await join(tally);
    await pause(SETTLE_SECONDS * 1000);
    const arrived = processorSeconds();
    const idle = memory();
    const measured = await exchange(sides, tally);
    const people = load.pairs * 2;
    const delivered = Math.max(measured.delivered, 1);
    console.log(JSON.stringify({
        system: load.system,
        connections: people,
        wanted_per_second: people * load.rate,
        delivered_per_second: measured.delivered / measured.seconds,
        held_back: tally.heldBack,
        lost: tally.sent - tally.arrived,
        processor_us_per_message: (measured.processor * 1e6) / delivered,
        processor_us_per_arrival: ((arrived - arriving) * 1e6) / people,
        p50_us: percentile(tally.latencies, 0.5),
        p99_us: percentile(tally.latencies, 0.99),
        empty_kib: empty.process / 1024,
        process_bytes_per_connection: (idle.process - empty.process) / people,
        // Of the whole machine, and of both ends of each connection.
        kernel_bytes_per_connection: (idle.kernel - empty.kernel) / people,
    }));
    // Thousands of orderly closes would tell nothing more.
    process.exit(0);
}

async function join(tally) {
    const sides = [];
    for (let from = 0; from < load.pairs; from += JOINING) {
        const rooms = Array.from({ length: Math.min(JOINING, load.pairs - from) }, (_, n) => from + n);
        const pairs = await within(JOIN_SECONDS, Promise.all(rooms.map((room) => pair(room, tally))));
        sides.push(...pairs.flat());
    }
    return sides;
}

async function pair(room, tally) {
    const two = { a: { inFlight: 0 }, b: { inFlight: 0 } };
    const one = async (side, sender) => {
        const adapter = adapters[load.system];
        two[side].send = await adapter({ port: load.port, room, side }, (payload) => arrival(payload, sender, tally));
    };
    // Whoever comes to "a" was sent by "b".
    await Promise.all([one("a", two.b), one("b", two.a)]);
    return [two.a, two.b];
}

function arrival(payload, sender, tally) {
    if (payload.length !== load.size) throw new Error(`a payload of ${payload.length} bytes`);
    sender.inFlight -= 1;
    tally.arrived += 1;
    if (!tally.counting) return;
    tally.delivered += 1;
    tally.latencies.push(now() - Number(payload.toString("latin1", 0, STAMP_DIGITS)));
}

// Sends at the rate, in turn, spread evenly over each second. What was measured leaves the first second out.
async function exchange(sides, tally) {
    const perSecond = sides.length * load.rate;
    const total = Math.round(perSecond * (WARM_SECONDS + load.seconds));
    const padding = "x".repeat(load.size - STAMP_DIGITS);
    const begin = now();
    let due = 0;
    let start;
    while (due < total) {
        const elapsed = (now() - begin) / 1e6;
        if (!start && elapsed >= WARM_SECONDS) {
            start = { at: now(), processor: processorSeconds() };
            tally.counting = true;
        }
        const until = Math.min(total, Math.floor(elapsed * perSecond));
        for (; due < until; due += 1) send(sides[due % sides.length], padding, tally);
        await pause(1);
    }
    tally.counting = false;
    const measured = {
        delivered: tally.delivered,
        seconds: (now() - start.at) / 1e6,
        processor: processorSeconds() - start.processor,
    };
    const end = now() + DRAIN_SECONDS * 1e6;
    while (tally.arrived < tally.sent && now() < end) await pause(10);
    return measured;
}

function send(side, padding, tally) {
    if (side.inFlight >= IN_FLIGHT) {
        tally.heldBack += 1;
        return;
    }
    side.inFlight += 1;
    tally.sent += 1;
    side.send(Buffer.from(String(now()).padStart(STAMP_DIGITS, "0") + padding));
}

function now() {
    return Math.round(performance.now() * 1000);
}

function percentile(values, share) {
    if (values.length === 0) return null;
    const sorted = Float64Array.from(values).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function processorSeconds() {
    return load.pids.reduce((sum, pid) => {
        const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
        // After the name, which may hold spaces: user and system time are the 12th and 13th.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    }, 0);
}

// Bytes: resident memory of the server's processes, and what the kernel keeps in its slabs.
function memory() {
    const resident = (pid) => kib(`/proc/${pid}/status`, "VmRSS");
    return {
        process: load.pids.reduce((sum, pid) => sum + resident(pid), 0),
        kernel: kib("/proc/meminfo", "Slab"),
    };
}

function kib(file, field) {
    return Number(readFileSync(file, "latin1").match(new RegExp(`^${field}:\\s*(\\d+) kB`, "m"))[1]) * 1024;
}

function within(seconds, promise) {
    const late = pause(seconds * 1000, undefined, { ref: false }).then(() => {
        throw new Error(`not within ${seconds} s`);
    });
    return Promise.race([promise, late]);
}

await main();
