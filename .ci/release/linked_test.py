"""Tests of `linked`: `python3 .ci/release/linked_test.py`. The real packages are asked of Cargo, and nothing is built."""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import unittest
from pathlib import Path

# A script without `.py` leaves no compiled file beside it.
sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader("linked", str(Path(__file__).with_name("linked")))
linked = importlib.util.module_from_spec(importlib.util.spec_from_loader("linked", LOADER))
LOADER.exec_module(linked)

TARGET = "x86_64-unknown-linux-gnu"


def component(name, version="1.0.0"):
    return {"type": "library", "bom-ref": f"registry#{name}@{version}", "name": name, "version": version}


def parts(whole, components, depends=()):
    depends = dict(depends)
    everything = [whole, *components]
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": whole}, "components": components,
        "dependencies": [{"ref": each["bom-ref"], "dependsOn": depends.get(each["name"], [])} for each in everything]}


def everything():
    """All packages of Cargo.lock as a list of parts, in which everything depends on everything."""
    done = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET, "--all-features"],
        cwd=linked.ROOT, check=True, stdout=subprocess.PIPE, text=True)
    components = [
        {"bom-ref": package["id"], "name": package["name"], "version": package["version"]} for package in json.loads(done.stdout)["packages"]]
    whole = next(each for each in components if each["name"] == linked.PACKAGE)
    rest = [each for each in components if each is not whole]
    refs = [each["bom-ref"] for each in rest]
    return parts(whole, rest, {each["name"]: refs for each in components})


class Linked(unittest.TestCase):
    def test_what_is_not_linked_is_not_in_the_list_and_nothing_refers_to_it(self):
        one, other, macro = component("one"), component("other"), component("macro")
        whole = component("cipher-chat") | {"type": "application"}
        depends = {"cipher-chat": [one["bom-ref"], macro["bom-ref"]], "one": [macro["bom-ref"], other["bom-ref"]]}
        kept = {("cipher-chat", "1.0.0"), ("one", "1.0.0"), ("other", "1.0.0")}
        less = linked.cut(parts(whole, [one, other, macro], depends), kept)
        self.assertEqual(less["components"], [one, other])
        self.assertEqual(less["dependencies"], [
            {"ref": whole["bom-ref"], "dependsOn": [one["bom-ref"]]}, {"ref": one["bom-ref"], "dependsOn": [other["bom-ref"]]},
            {"ref": other["bom-ref"], "dependsOn": []}])
        self.assertEqual(less["specVersion"], "1.5")

    def test_of_two_versions_the_one_that_is_linked_stays(self):
        whole, old, new = component("cipher-chat"), component("syn", "1.0.0"), component("syn", "2.0.0")
        less = linked.cut(parts(whole, [old, new]), {("cipher-chat", "1.0.0"), ("syn", "2.0.0")})
        self.assertEqual(less["components"], [new])

    def test_a_list_that_lacks_a_linked_part_is_refused(self):
        whole = component("cipher-chat")
        with self.assertRaisesRegex(ValueError, "lacks one 1.0.0"):
            linked.cut(parts(whole, []), {("cipher-chat", "1.0.0"), ("one", "1.0.0")})

    def test_the_list_does_not_tell_where_it_was_made(self):
        whole = component("cipher-chat") | {"bom-ref": f"path+file://{linked.ROOT}#cipher-chat@1.0.0"}
        less = linked.cut(parts(whole, []), {("cipher-chat", "1.0.0")})
        self.assertEqual(less["metadata"]["component"]["bom-ref"], "path+file:///source#cipher-chat@1.0.0")
        self.assertNotIn(str(linked.ROOT), json.dumps(less))

    def test_of_the_real_packages_those_of_cargo_tree_stay_and_no_other(self):
        kept, whole = linked.linked(TARGET), everything()
        before = {each["name"] for each in whole["components"]}
        less = linked.cut(whole, kept)
        self.assertEqual({linked.named(each) for each in [less["metadata"]["component"], *less["components"]]}, kept)
        names = {each["name"] for each in less["components"]}
        self.assertLessEqual({"rustls", "aws-lc-rs", "tokio", "session", "otlp"}, names)
        # A library that a feature which is off would bring, a tool of build scripts, a macro, and what is for tests alone.
        for absent in ["ring", "cc", "serde_derive", "proptest"]:
            self.assertIn(absent, before)
            self.assertNotIn(absent, names)
        refs = {each["bom-ref"] for each in [less["metadata"]["component"], *less["components"]]}
        self.assertEqual({of["ref"] for of in less["dependencies"]}, refs)
        self.assertLessEqual({ref for of in less["dependencies"] for ref in of["dependsOn"]}, refs)


if __name__ == "__main__":
    unittest.main()
