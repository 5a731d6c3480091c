"""The people of a storm: processes of `cipher-chat bench`, and what they say while they run."""

import json
import subprocess
import threading
import time

from processes import Fault

MET, END_NOW = "pairs have met", "now end a gateway"


class Bench:
    """A load generator that runs; its results come as JSON when it has ended."""

    def __init__(self, name, binary, scenario, options):
        self.name, self.said, self.moments = name, [], {}
        words = [binary, "bench", scenario, "--json", "-", *options]
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.results = None
        # Both pipes are read all the time: a full one would hold it up.
        self._threads = [threading.Thread(target=reads, daemon=True) for reads in (self._listen, self._collect)]
        for thread in self._threads:
            thread.start()

    def _listen(self):
        for line in self.process.stderr:
            now = time.monotonic()
            self.said.append(line)
            for moment in (MET, END_NOW):
                if moment in line:
                    self.moments.setdefault(moment, now)

    def _collect(self):
        self.results = self.process.stdout.read()

    def moment(self, which, seconds):
        """When it said so."""
        end = time.monotonic() + seconds
        while which not in self.moments:
            if self.process.poll() is not None:
                raise Fault(f"{self.name} ended before “{which}”: {''.join(self.said)[-800:]}")
            if time.monotonic() > end:
                raise Fault(f"{self.name} did not say “{which}” within {seconds} s: {''.join(self.said)[-800:]}")
            time.sleep(0.02)
        return self.moments[which]

    def end(self, seconds):
        """Its results; also if promises were broken, which they tell."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Fault(f"{self.name} does not end: {''.join(self.said)[-800:]}") from None
        for thread in self._threads:
            thread.join()
        try:
            return json.loads(self.results)
        except json.JSONDecodeError:
            raise Fault(f"{self.name} has no results: {''.join(self.said)[-800:]}") from None

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
