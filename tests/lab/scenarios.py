"""The scenarios of the lab: one for each row of the table in docs/testing.md."""

import itertools
import time
from dataclasses import dataclass
from typing import Callable

import faults
from crowd import Crowd
from faults import all_of, one_of
from system import GATEWAYS, JANITORS, PAIRING

# Between two faults, people chat undisturbed for so long.
CALM_SECS = 6
CUTS = [1, 6, 15, 30]
CHURNERS = 200
CROWDED_PAIRS = 200


@dataclass
class Scenario:
    """A fault, how long it lasts, and who chats meanwhile."""

    name: str
    kind: str
    run: Callable
    # How long one round takes at least, in seconds.
    seconds: float


def simple(name, kind, fault, hold):
    """Breaks something for a while, again and again, while pairs chat."""
    def run(lab, seconds):
        rounds_of(lab, seconds, fault, hold)
        return [lab.pairs.report()]
    return Scenario(name, kind, run, hold + CALM_SECS)


def rounds_of(lab, seconds, fault, hold, crowds=None):
    crowds, end = crowds or [lab.pairs], time.monotonic() + seconds
    while True:
        one_round(lab, fault, hold, crowds)
        if time.monotonic() > end:
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
        crowd = Crowd(lab.system, lab.people, kind, count, rate, **environment)
        lab.crowds.append(crowd)
        crowd.tell("begin")
        act(lab, seconds, crowd)
        account = crowd.report()
        # Who parts is counted with the rest: its account goes on.
        crowd.tell("begin")
        parted = crowd.end()
        lab.crowds.remove(crowd)
        return [account, parted, lab.pairs.report()]
    return run


def churn(lab, seconds, crowd):
    """Processes die, hang and drain while people come and go."""
    faulty = [
        (faults.kill(one_of("gateway")), 0), (faults.kill(one_of("pairing")), 0), (faults.kill(one_of("NATS node")), 0),
        (faults.pause(one_of("gateway")), 5), (faults.kill(one_of("janitor")), 0), (faults.drain(one_of("gateway")), 0),
        (faults.kill(all_of("pairing")), 0),
    ]
    end = time.monotonic() + seconds
    for place, (fault, hold) in enumerate(itertools.cycle(faulty), 1):
        one_round(lab, fault, hold, [lab.pairs, crowd])
        time.sleep(CALM_SECS)
        if place >= len(faulty) and time.monotonic() > end:
            break
    # Longer than it may take until somebody learns that the other is gone.
    time.sleep(50)


def rolling(lab, _, crowd):
    """Each gateway is drained and started again, one after the other."""
    for gateway in GATEWAYS:
        one_round(lab, faults.drain(lambda _, gateway=gateway: [gateway]), 0, [lab.pairs, crowd])


def update_and_back(lab, _):
    """Each node goes to another version, and back."""
    for binary in (lab.other, lab.system.binary):
        for name in [*JANITORS, *PAIRING, *GATEWAYS]:
            process = lab.system.processes[name]
            process.command[0] = binary
            one_round(lab, faults.drain(lambda _, name=name: [name]), 0, [lab.pairs])
    return [lab.pairs.report()]


def storm(lab, seconds, crowd):
    """Everybody loses the connection in one moment."""
    end = time.monotonic() + seconds
    while True:
        tell([lab.pairs, crowd], "storm")
        tell([lab.pairs, crowd], "healed")
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

        def act(lab, seconds, crowd):
            end = time.monotonic() + seconds
            while True:
                tell([crowd], "fault")
                file.write_text(f"{step}\n", encoding="ascii")
                time.sleep(CALM_SECS)
                file.write_text(f"{start}\n", encoding="ascii")
                tell([crowd, lab.pairs], "healed")
                lab.rounds += 1
                time.sleep(CALM_SECS)
                if time.monotonic() > end:
                    return
        return with_crowd("pairs", 10, 2, act)(lab, seconds, **variables)
    return run


def processes():
    for who, whom in [("a gateway", one_of("gateway")), ("all gateways", all_of("gateway")), ("a NATS node", one_of("NATS node")),
                      ("a pairing node", one_of("pairing")), ("all pairing nodes", all_of("pairing")),
                      ("a janitor", one_of("janitor")), ("all janitors", all_of("janitor"))]:
        yield simple(f"kill {who}", "processes", faults.kill(whom), 0)
        for seconds in (5, 8, 20):
            yield simple(f"pause {who} {seconds} s", "processes", faults.pause(whom), seconds)
        yield simple(f"drain {who}", "processes", faults.drain(whom), 0)
    for seconds in (5, 30):
        yield simple(f"all of NATS gone {seconds} s", "processes", faults.kill(all_of("NATS node")), seconds)
        yield simple(f"all of NATS paused {seconds} s", "processes", faults.pause(all_of("NATS node")), seconds)
    yield simple("kill an Nginx worker", "processes", faults.nginx_worker, 0)
    yield simple("reload Nginx", "processes", faults.nginx_reload, 0)


def network():
    for link in faults.LINKS:
        for seconds in CUTS:
            yield simple(f"cut {link} {seconds} s", "network", faults.cut(link), seconds)
        yield simple(f"one way {link} 15 s", "network", faults.cut_one_way(link), 15)
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
    yield Scenario(f"churn of {CHURNERS}", "people", with_crowd("churn", CHURNERS, 1, churn), 150)
    yield Scenario(f"rolling restart under {CROWDED_PAIRS} pairs", "people", with_crowd("pairs", CROWDED_PAIRS, 0.1, rolling), 60)
    yield Scenario("another version and back", "people", update_and_back, 180)
    yield Scenario("slow readers", "people", slow_readers, 8 + CALM_SECS)
    yield Scenario(f"storm of {CROWDED_PAIRS} pairs more", "people", with_crowd("pairs", CROWDED_PAIRS, 0.1, storm), CALM_SECS)


def everything():
    of = [(f"kill {kind}", faults.kill(one_of(kind)), 0.5) for kind in faults.GROUPS]
    of += [(f"pause {kind}", faults.pause(one_of(kind)), 8) for kind in faults.GROUPS]
    of += [(f"cut {link}", faults.cut(link), 6) for link in faults.LINKS]
    of += [("Nginx worker", faults.nginx_worker, 0), ("Nginx reload", faults.nginx_reload, 0)]
    yield simple("ten faults at random", "all at once", faults.many(10, 30, of), 0)


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
