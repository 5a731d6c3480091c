"""The scenarios of the lab: one for each row of the table in docs/testing.md."""

import itertools
import signal
import time
from dataclasses import dataclass
from typing import Callable

import faults
from crowd import arrivals, reports
from faults import all_of, one_of
from system import GATEWAYS, JANITORS, PAIRING
from waiting import until

# Between two faults, people chat undisturbed for so long.
CALM_SECS = 6
PAUSES = [5, 8, 20]
# How long a node is away that was killed and is not started at once: longer than the others need to miss it.
AWAY_SECS = 10
CUTS = [1, 6, 15, 30]
CHURNERS = 200
STORM_PAIRS = 200
# As many as the design asks for. Each of them writes so seldom that the machine carries them beside those who always chat.
CROWDED_PAIRS, CROWDED_RATE = 2000, 0.05
# Until all are back whom a gateway has sent away. Up to 26 s were seen on two processors that had much else to do; chats are kept for
# three minutes. Without this wait, on such a machine, they were sent away again while they still came back, and many did not in time.
BACK_SECS = 60
# Of ten at random, the last begins after so long at most.
LAST_BEGINS_SECS = 30
WHOM = [
    ("a gateway", one_of("gateway")), ("all gateways", all_of("gateway")), ("a NATS node", one_of("NATS node")), ("all of NATS", all_of("NATS node")),
    ("a pairing node", one_of("pairing")), ("all pairing nodes", all_of("pairing")), ("a janitor", one_of("janitor")), ("all janitors", all_of("janitor")),
]


@dataclass
class Scenario:
    """A fault, how long it lasts, and who chats meanwhile."""

    name: str
    kind: str
    run: Callable
    # How long one round takes at least, in seconds.
    seconds: float


def simple(name, kind, fault, hold, rounds=1):
    """Breaks something for a while, again and again, while pairs chat."""
    def run(lab, seconds):
        rounds_of(lab, seconds, fault, hold, rounds)
        return [lab.pairs.report()]
    return Scenario(name, kind, run, rounds * (hold + CALM_SECS))


def rounds_of(lab, seconds, fault, hold, least):
    """As many rounds as are nearest to the time, and not fewer than some."""
    end = time.monotonic() + seconds
    for done in itertools.count(1):
        began = time.monotonic()
        one_round(lab, fault, hold, [lab.pairs])
        now = time.monotonic()
        if done >= least and now + (now - began) / 2 > end:
            return


def one_round(lab, fault, hold, crowds):
    tell(crowds, "fault")
    mend = fault(lab.system)
    time.sleep(hold)
    mend()
    tell(crowds, "healed")
    lab.rounds += 1
    time.sleep(CALM_SECS * lab.system.random.uniform(0.8, 1.2))
    lab.system.all_ready()


def tell(crowds, order):
    for crowd in crowds:
        crowd.tell(order)


def baseline(lab, seconds):
    """Nothing is broken: what was under way at any moment counts."""
    end = time.monotonic() + max(seconds, 20)
    while time.monotonic() < end:
        time.sleep(lab.system.random.uniform(0.5, 1.5))
        lab.pairs.tell("healed")
        lab.rounds += 1
    return [lab.pairs.report()]


def with_crowd(kind, count, rate, act):
    """More people for one scenario, who say goodbye at its end."""
    def run(lab, seconds, **environment):
        crowds = []
        for crowd in arrivals(lab.system, lab.people, kind, count, rate, **environment):
            crowds.append(crowd)
            lab.crowds.append(crowd)
        tell(crowds, "begin")
        act(lab, seconds, crowds)
        accounts = reports([*crowds, lab.pairs])
        # Who parts is counted with the rest: its account goes on.
        tell(crowds, "begin")
        for crowd in crowds:
            accounts.append(crowd.end())
            lab.crowds.remove(crowd)
        return accounts
    return run


def churn(lab, seconds, crowds):
    """Processes die, hang and drain while people come and go."""
    faulty = [
        (faults.kill(one_of("gateway")), 0), (faults.kill(one_of("pairing")), 0), (faults.kill(one_of("NATS node")), 0),
        (faults.pause(one_of("gateway")), 5), (faults.kill(one_of("janitor")), 0), (faults.drain(one_of("gateway")), 0),
        (faults.kill(all_of("pairing")), 0),
    ]
    end = time.monotonic() + seconds
    for place, (fault, hold) in enumerate(itertools.cycle(faulty), 1):
        one_round(lab, fault, hold, [lab.pairs, *crowds])
        time.sleep(CALM_SECS)
        if place >= len(faulty) and time.monotonic() > end:
            break
    # Longer than it may take until somebody learns that the other is gone.
    time.sleep(50)


def rolling(lab, _, crowds):
    """Each gateway is drained and started again, one after the other: the next when all people are back."""
    people = 2 * sum(crowd.count for crowd in [lab.pairs, *crowds])
    for gateway in GATEWAYS:
        one_round(lab, faults.drain(lambda _, gateway=gateway: [gateway]), 0, [lab.pairs, *crowds])
        until(f"{people} people are back", lambda: lab.system.connections() >= people, BACK_SECS)


def update_and_back(lab, _):
    """Each node goes to another version, and back."""
    for binary in (lab.other, lab.system.binary):
        for name in [*JANITORS, *PAIRING, *GATEWAYS]:
            process = lab.system.processes[name]
            process.command[0] = binary
            one_round(lab, faults.drain(lambda _, name=name: [name]), 0, [lab.pairs])
    return [lab.pairs.report()]


def storm(lab, seconds, crowds):
    """Everybody loses the connection in one moment."""
    end = time.monotonic() + seconds
    while True:
        tell([lab.pairs, *crowds], "storm")
        tell([lab.pairs, *crowds], "healed")
        lab.rounds += 1
        time.sleep(CALM_SECS)
        if time.monotonic() > end:
            return


def slow_readers(lab, seconds):
    """One in three does not read for a while."""
    end = time.monotonic() + seconds
    while True:
        lab.pairs.tell("nap 8")
        time.sleep(8)
        lab.pairs.tell("healed")
        lab.rounds += 1
        time.sleep(CALM_SECS)
        if time.monotonic() > end:
            return [lab.pairs.report()]


def clients_with_a_clock(start, step):
    """People whose own clock is wrong from the start, or jumps."""
    def run(lab, seconds):
        file, variables = faults.clock(lab.system, "people")
        file.write_text(f"{start}\n", encoding="ascii")

        def act(lab, seconds, crowds):
            end = time.monotonic() + seconds
            while True:
                tell(crowds, "fault")
                file.write_text(f"{step}\n", encoding="ascii")
                time.sleep(CALM_SECS)
                file.write_text(f"{start}\n", encoding="ascii")
                tell([*crowds, lab.pairs], "healed")
                lab.rounds += 1
                time.sleep(CALM_SECS)
                if time.monotonic() > end:
                    return
        return with_crowd("pairs", 10, 2, act)(lab, seconds, **variables)
    return run


def processes():
    for who, whom in WHOM:
        yield simple(f"kill {who}", "processes", faults.kill(whom), 0)
        yield simple(f"kill {who}, away {AWAY_SECS} s", "processes", faults.kill(whom), AWAY_SECS)
        for seconds in PAUSES:
            yield simple(f"pause {who} {seconds} s", "processes", faults.pause(whom), seconds)
        yield simple(f"drain {who}", "processes", faults.drain(whom), 0)
    for seconds in (5, 30):
        yield simple(f"all of NATS gone {seconds} s", "processes", faults.kill(all_of("NATS node")), seconds)
    yield simple("pause all of NATS 30 s", "processes", faults.pause(all_of("NATS node")), 30)
    yield simple("kill an Nginx worker", "processes", faults.nginx_worker(signal.SIGKILL), 0)
    for seconds in PAUSES:
        yield simple(f"pause an Nginx worker {seconds} s", "processes", faults.nginx_worker_pause, seconds)
    yield simple("end an Nginx worker", "processes", faults.nginx_worker(signal.SIGTERM), 0)
    yield simple("reload Nginx", "processes", faults.nginx_reload, 0)


def network():
    for link in faults.LINKS:
        for seconds in CUTS:
            yield simple(f"cut {link} {seconds} s", "network", faults.cut(link), seconds)
        for seconds in CUTS:
            # Twice: once in each direction.
            yield simple(f"one way {link} {seconds} s", "network", faults.cut_one_way(link), seconds, rounds=2)
        yield simple(f"5 % loss {link}", "network", faults.cut(link, part=0.05), 15)
        yield simple(f"200 ms {link}", "network", faults.slow(link, 0.2), 15)


def clocks():
    for who, whom in [("a gateway", one_of("gateway")), ("a janitor", one_of("janitor"))]:
        for offset in ("+120", "-120"):
            yield simple(f"{who} starts {offset} s wrong", "time", faults.wrong_clock(whom, offset), 12)
            yield simple(f"the clock of {who} steps {offset} s", "time", faults.clock_step(whom, offset), 12)
    for offset in ("+120", "-120"):
        yield Scenario(f"clients start {offset} s wrong", "time", clients_with_a_clock(offset, offset), 2 * CALM_SECS)
        yield Scenario(f"the clock of clients steps {offset} s", "time", clients_with_a_clock("+0", offset), 2 * CALM_SECS)


def people():
    yield Scenario(f"churn of {CHURNERS}", "people", with_crowd("churn", CHURNERS, 1, churn), 220)
    yield Scenario(f"rolling restart under {CROWDED_PAIRS} pairs", "people", with_crowd("pairs", CROWDED_PAIRS, CROWDED_RATE, rolling), 100)
    yield UPDATE
    yield Scenario("slow readers", "people", slow_readers, 8 + CALM_SECS)
    yield Scenario(f"storm of {STORM_PAIRS} pairs more", "people", with_crowd("pairs", STORM_PAIRS, 0.1, storm), CALM_SECS)


def everything():
    yield simple("ten faults at random", "all at once", faults.many(10, LAST_BEGINS_SECS, list(healing())), 0)


def healing():
    """Every kind of fault that heals, of which ten are drawn: its name, the fault, and for how long. Clients have clocks of their own,
    which are wrong or right for a whole scenario."""
    for who, whom in WHOM:
        yield f"kill {who}", faults.kill(whom), 0.5
        yield f"kill {who}, away {AWAY_SECS} s", faults.kill(whom), AWAY_SECS
        for seconds in PAUSES:
            yield f"pause {who} {seconds} s", faults.pause(whom), seconds
        # So long that a gateway has drained: nothing else waits for it then.
        yield f"drain {who}", faults.drain(whom), 10
    yield "kill an Nginx worker", faults.nginx_worker(signal.SIGKILL), 0
    yield "pause an Nginx worker", faults.nginx_worker_pause, 8
    yield "reload Nginx", faults.nginx_reload, 0
    for link in faults.LINKS:
        for seconds in CUTS:
            yield f"cut {link} {seconds} s", faults.cut(link), seconds
            yield f"one way {link} {seconds} s", faults.cut_one_way(link), seconds
        yield f"5 % loss {link}", faults.cut(link, part=0.05), 15
    # One in all: two wires cannot lie before one member.
    yield "200 ms somewhere", lambda system: faults.slow(system.random.choice(list(faults.LINKS)), 0.2)(system), 15
    for kind in ("gateway", "janitor"):
        for offset in ("+120", "-120"):
            yield f"a {kind} starts {offset} s wrong", faults.wrong_clock(one_of(kind), offset, orderly=False), 12
            yield f"the clock of a {kind} steps {offset} s", faults.clock_step(one_of(kind), offset), 12


UPDATE = Scenario("another version and back", "people", update_and_back, 120)
BASELINE = Scenario("baseline", "none", baseline, 20)
ALL = [*processes(), *network(), *clocks(), *people(), *everything()]
# In .ci/run: a kill, a pause, a cut and a drain.
SHORT = ["kill a gateway", "pause a gateway 8 s", "cut NATS–NATS 6 s", "drain a gateway"]


def chosen(words):
    """The scenarios with these names, of these kinds, or with these words in their names; `short` is the short form."""
    if not words:
        return ALL
    found = []
    for word in words:
        fits = [scenario for scenario in ALL if word in (scenario.name, scenario.kind) or word == "short" and scenario.name in SHORT]
        fits = fits or [scenario for scenario in ALL if word in scenario.name]
        if not fits:
            raise ValueError(f"there is no scenario '{word}'; tests/lab/run --list names them")
        found += [scenario for scenario in fits if scenario not in found]
    return found
