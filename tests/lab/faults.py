"""What is broken, and how it is mended. Each fault is a function of the system that breaks something at once and returns what mends
it. Whom it strikes is drawn from the system's seed."""

import glob
import os
import signal
import time

from space import NoSpace
from system import DOORS, FAKETIME, GATEWAYS, JANITORS, NATS, PAIRING
from waiting import until

GROUPS = {"gateway": GATEWAYS, "NATS node": NATS, "pairing": PAIRING, "janitor": JANITORS}


def one_of(kind):
    return lambda system: [system.random.choice(GROUPS[kind])]


def all_of(kind):
    return lambda system: GROUPS[kind]


def kill(whom):
    """SIGKILL; it starts again when the fault is over."""
    def strike(system):
        processes = [system.processes[name] for name in whom(system)]
        for process in processes:
            process.signal(signal.SIGKILL)
        for process in processes:
            process.ended()
        return lambda: [process.start() for process in processes]
    return strike


def pause(whom):
    """SIGSTOP until the fault is over."""
    def strike(system):
        processes = [system.processes[name] for name in whom(system)]
        for process in processes:
            process.signal(signal.SIGSTOP)
        return lambda: [process.signal(signal.SIGCONT) for process in processes]
    return strike


def drain(whom):
    """SIGTERM; it starts again as soon as it has ended."""
    def strike(system):
        processes = [system.processes[name] for name in whom(system)]
        for process in processes:
            process.signal(signal.SIGTERM)

        def start():
            for process in processes:
                # Another fault may have stopped it meanwhile.
                process.signal(signal.SIGCONT)
                process.ended()
                process.start()
        return start
    return strike


def nginx_worker(number):
    """A signal that ends one worker; the master starts another."""
    def strike(system):
        until("Nginx has workers", system.nginx_workers)
        os.kill(system.random.choice(system.nginx_workers()), number)
        return lambda: None
    return strike


def nginx_worker_pause(system):
    """SIGSTOP to one worker until the fault is over."""
    until("Nginx has workers", system.nginx_workers)
    os.kill(system.random.choice(system.nginx_workers()), signal.SIGSTOP)
    return system.nginx_workers_go_on


def nginx_reload(system):
    """The workers finish what is under way, and new ones take what comes."""
    system.processes["nginx"].signal(signal.SIGHUP)
    return lambda: None


# The two ends of a link: who is there, with which address.
def nats_nats(system):
    """Two that have gateways, as long as there are two: between others nothing of a chat passes."""
    used = {address for gateway in GATEWAYS for address in system.processes[gateway].peers(4222)}
    with_gateways = [server for server in NATS if system.network.address(server) in used]
    one, other = system.random.sample(with_gateways if len(with_gateways) > 1 else NATS, 2)
    return [end_of(system, one, other)]


def gateway_nats(system):
    gateway = system.random.choice(GATEWAYS)
    return [end_of(system, gateway, server) for server in NATS]


def gateway_its_nats(system):
    """The one that it is connected to. While no gateway has one, it is cut off from all."""
    servers = {gateway: system.processes[gateway].peers(4222) for gateway in GATEWAYS}
    connected = [gateway for gateway in GATEWAYS if servers[gateway]]
    if not connected:
        return gateway_nats(system)
    gateway = system.random.choice(connected)
    return [end_of(system, gateway, server) for server in NATS if system.network.address(server) in servers[gateway]]


def nginx_gateway(system):
    return [end_of(system, "nginx", system.random.choice(GATEWAYS))]


def client_nginx(system):
    """One side of each pair: they come through another of Nginx's addresses."""
    return [("people", system.network.address("people"), "nginx", system.network.address("nginx", 1 + system.random.randrange(len(DOORS))))]


def end_of(system, one, other):
    return (one, system.network.address(one), other, system.network.address(other))


LINKS = {"NATS–NATS": nats_nats, "gateway–NATS": gateway_nats, "gateway–its NATS node": gateway_its_nats, "Nginx–gateway": nginx_gateway, "client–Nginx": client_nginx}


def cut(link, part=None):
    """Nothing passes, or a part of it is lost."""
    def strike(system):
        undo = []
        for one, its, other, others in LINKS[link](system):
            undo.append(system.network.drop(one, others, its, part))
            undo.append(system.network.drop(other, its, others, part))
        return lambda: [end() for end in undo]
    return strike


def cut_one_way(link):
    """What one of them says is not heard. Which one is drawn the first time; then they take turns."""
    turns = []

    def strike(system):
        turns.append(not turns[-1] if turns else system.random.random() < 0.5)
        undo = []
        for one, its, other, others in LINKS[link](system):
            undo.append(system.network.drop(one, others, its) if turns[-1] else system.network.drop(other, its, others))
        return lambda: [end() for end in undo]
    return strike


def slow(link, seconds):
    """Everything takes longer, in each direction."""
    def strike(system):
        ends = LINKS[link](system)
        undo = system.network.delay(ends[0][0], [others for _, _, _, others in ends], seconds)
        # The bridge forgets where it has seen whom.
        time.sleep(0.05)
        return undo
    return strike


def clock(system, name):
    """What has a process read a wrong clock: a variable for each, and the file that says how wrong."""
    found = glob.glob(FAKETIME)
    if not found:
        raise NoSpace("libfaketime is not installed")
    offset = system.home / f"{name}.clock"
    offset.write_text("+0\n", encoding="ascii")
    return offset, {
        "LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def wrong_clock(whom, offset, orderly=True):
    """Starts with a clock that is wrong; with a right one when the fault is over. It is drained before, or killed."""
    def strike(system):
        processes = [system.processes[name] for name in whom(system)]
        end = signal.SIGTERM if orderly else signal.SIGKILL
        for process in processes:
            file, variables = clock(system, process.name)
            file.write_text(f"{offset}\n", encoding="ascii")
            process.again(end, **variables)
        return lambda: [process.again(end) for process in processes]
    return strike


def clock_step(whom, offset):
    """The clock jumps while it runs, and jumps back."""
    def prepare(system):
        files, processes = [], [system.processes[name] for name in whom(system)]
        for process in processes:
            file, variables = clock(system, process.name)
            process.again(**variables)
            until(f"{process.name} is ready", lambda process=process: system.ready(process.name))
            files.append(file)

        def step(_):
            all_say(files, offset)
            return lambda: all_say(files, "+0")
        return step

    def strike(system):
        return prepare(system)(system)
    strike.prepare = prepare
    return strike


def all_say(files, offset):
    for file in files:
        file.write_text(f"{offset}\n", encoding="ascii")


def many(count, last_begins, of):
    """Several different ones at random moments, one over the other. What needs an orderly start has it before."""
    def strike(system):
        moments = []
        for words, fault, how_long in system.random.sample(of, count):
            began = system.random.uniform(0, last_begins)
            moments.append((began, began + how_long, words, getattr(fault, "prepare", lambda _, fault=fault: fault)(system)))
        print("   " + "; ".join(f"{began:.0f} s {words}" for began, _, words, _ in sorted(moments, key=lambda moment: moment[0])), flush=True)
        mends = {}
        try:
            through(system, moments, mends)
        finally:
            # None, unless something failed: then nothing stays cut off.
            for mend in mends.values():
                mend()
        return lambda: all_as_before(system)
    return strike


def through(system, moments, mends):
    """Each fault at its moment, and what mends it at its end. What is still to be mended stands in `mends`."""
    strikes = [(began, 0, place) for place, (began, *_) in enumerate(moments)]
    start = time.monotonic()
    # Of one moment, a fault comes before its end.
    for at, ends, place in sorted(strikes + [(end, 1, place) for place, (_, end, *_) in enumerate(moments)]):
        time.sleep(max(0.0, start + at - time.monotonic()))
        if ends:
            mends.pop(place)()
        else:
            mends[place] = moments[place][3](system)


def all_as_before(system):
    """Everything runs, with the clock of the machine."""
    for process in system.processes.values():
        process.signal(signal.SIGCONT)
        if process.more:
            process.again()
        process.start()
