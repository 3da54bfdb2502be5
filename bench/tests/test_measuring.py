"""Programs that are run, what they say, and what is kept of it."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from driver import main, measure, options, peers, places, workloads
from tests.records import about, cycles


class Server:
    """Stands where the model server would: the programs here ask nobody."""

    url = "http://127.0.0.1:9/v1"

    def cpu_s(self):
        return 0.0


class Programs(unittest.TestCase):
    def run_program(self, code):
        """What is kept of a program in Python."""
        measuring = measure.Measuring(Server(), None, 0)
        [workload] = workloads.named(["W2"])
        [peer] = [peer for peer in peers.ALL if peer.name == "rig/ct"]
        command = [sys.executable, "-c", code]
        return measuring.record(workload, peer, workloads.measurement("loop n=100", "a tag"), command)

    def test_its_result_is_kept(self):
        kept = self.run_program("""if True:
            import os
            print("something else")
            print('RESULT {"cycles": 7}')
            print('LAUNCH {"cpu_s": 0.5}')
            assert os.environ["BENCH_RT"] == "ct" and os.environ["BENCH_URL"].startswith("http")
        """)
        self.assertEqual(kept["result"], {"cycles": 7})
        self.assertEqual(kept["launch"], {"cpu_s": 0.5})
        self.assertEqual((kept["workload"], kept["peer"], kept["tag"]), ("W2", "rig/ct", "a tag"))
        self.assertNotIn("failure", kept)

    def test_what_a_library_does_not_offer_is_nothing(self):
        self.assertIsNone(self.run_program("raise SystemExit(3)"))

    def test_a_failure_is_kept_with_what_it_said(self):
        self.assertIn("no such thing", self.run_program("raise SystemExit('no such thing')")["failure"])
        self.assertEqual(self.run_program("raise SystemExit(5)")["failure"], "status 5")

    def test_one_that_says_no_result_has_failed(self):
        self.assertIn("done", self.run_program("print('done')")["failure"])

    def test_a_result_before_a_failure_does_not_count(self):
        kept = self.run_program("print('RESULT {}'); raise SystemExit('broken at the end')")
        self.assertIn("broken at the end", kept["failure"])

    def test_one_that_takes_too_long_is_ended(self):
        with mock.patch.object(measure, "LIMIT_S", 0.2):
            self.assertIn("longer than", self.run_program("import time; time.sleep(60)")["failure"])


class Results(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.results = pathlib.Path(folder.name) / "results.jsonl"
        self.enterContext(mock.patch.object(places, "RESULTS", self.results))
        self.said = self.enterContext(contextlib.redirect_stderr(io.StringIO()))

    def write(self, *records, behind=""):
        self.results.write_text("".join(json.dumps(record) + "\n" for record in records) + behind)

    def test_what_is_not_measured_anew_is_kept(self):
        others = [about("W2"), cycles("rig", 1.0), {**cycles("floor", 1.0), "workload": "W3"}]
        self.write(*others, cycles("floor", 1.0), cycles("floor", 2.0, tag="in process"))
        self.assertEqual(main.earlier(options.parse(["W2", "--only", "floor/ct,floor", "--keep"])), others)

    def test_of_a_run_of_which_nothing_is_left_nothing_is_said(self):
        rig, floor = cycles("rig", 1.0), cycles("floor", 1.0)
        self.write(about("W2"), floor, about("W3"), rig, floor, about("W4"), floor)
        self.assertEqual(main.earlier(options.parse(["W2", "--only", "floor", "--keep"])), [about("W3"), rig])

    def test_a_record_that_was_cut_off_is_left_out_and_said_so(self):
        self.write(cycles("rig", 1.0), behind='{"workload": "W2", "pe')
        self.assertEqual(main.recorded(), [cycles("rig", 1.0)])
        self.assertIn("was cut off", self.said.getvalue())

    def test_without_results_the_report_says_so(self):
        self.assertEqual(main.show(options.parse(["--report"])), 1)
        self.assertIn("nothing was measured yet", self.said.getvalue())


class Options(unittest.TestCase):
    def refused(self, *arguments):
        said = io.StringIO()
        with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(said):
            options.parse(arguments)
        self.assertEqual(ended.exception.code, 2)
        return said.getvalue()

    def test_what_is_not_there_is_refused_with_what_is(self):
        self.assertIn("there is no workload `W77`; there are W1, W2", self.refused("W77"))
        self.assertIn("there is no `rigg`; there are floor", self.refused("--only", "rigg"))
        self.assertIn("at least 1", self.refused("--rounds", "0"))

    def test_a_name_a_part_before_a_slash_and_a_language_choose(self):
        def names(only):
            return [peer.name for peer in options.parse(["--only", only]).peers]

        self.assertEqual(names("floor/ct"), ["floor/ct"])
        self.assertEqual(names("floor"), ["floor", "floor/ct", "floor/naive", "floor/sessions"])
        self.assertEqual(names("python"), ["strands-py", "strands-py/shared"])

    def test_workloads_come_in_their_order_and_in_any_case(self):
        chosen = options.parse(["w4", "W2", "--quick"])
        self.assertEqual([workload.name for workload in chosen.workloads], ["W2", "W4"])
        self.assertEqual(chosen.rounds, 1)


if __name__ == "__main__":
    unittest.main()
