"""What people read."""
import unittest

from driver import figures, goals, report
from driver.figures import Measured
from tests.records import about, cycles, record

BOTH = [about("W2"), cycles("floor", 9.0, 0.001), cycles("ropewalk", 9.0, 0.0012), cycles("rig", 9.0, 0.004)]


class Report(unittest.TestCase):
    def test_libraries_stand_beside_the_floor_and_ropewalk(self):
        rows = report.report(BOTH).splitlines()
        [floor] = [row for row in rows if row.startswith("| floor ")]
        [ropewalk] = [row for row in rows if row.startswith("| ropewalk ")]
        [rig] = [row for row in rows if row.startswith("| rig ")]
        self.assertTrue(floor.startswith("| floor | 1 | 10.0 [10.0] | 1.00× | 0.83× |"), floor)
        self.assertTrue(ropewalk.startswith("| ropewalk | 1 | 12.0 [12.0] | 1.20× | 1.00× |"), ropewalk)
        self.assertTrue(rig.startswith("| rig | 1 | 40.0 [40.0] | 4.00× | 3.33× |"), rig)

    def test_a_library_on_one_thread_is_compared_with_those_on_one(self):
        rows = report.report([*BOTH, cycles("floor/ct", 9.0, 0.002), cycles("rig/ct", 9.0, 0.004)]).splitlines()
        [rig] = [row for row in rows if row.startswith("| rig/ct ")]
        self.assertTrue(rig.startswith("| rig/ct | 1 | 40.0 [40.0] | 2.00× | – |"), rig)

    def test_it_says_how_it_was_measured(self):
        text = report.report(BOTH)
        self.assertIn("* W2: 2026-11-27, a machine; client on core 0, server on core 1; 3 rounds; rig 1.2", text)

    def test_it_says_so_where_runs_were_joined(self):
        self.assertNotIn(report.JOINED, report.report(BOTH))
        self.assertIn(f"* {report.JOINED}", report.report([about("W3"), *BOTH]))

    def test_what_failed_is_named_with_the_last_that_it_said(self):
        failed = {**cycles("adk", 1.0), "failure": "a trace\nthe reason"}
        text = report.report([*BOTH, failed, failed])
        self.assertEqual(text.count("* W2 adk : the reason"), 1)
        self.assertFalse([row for row in text.splitlines() if row.startswith("| adk ")])

    def test_dispatches_stand_side_by_side(self):
        def hooks(peer, nanoseconds):
            times = {f"{kind}_{count}": nanoseconds for kind in ["sync", "async"] for count in [0, 1, 10, 50]}
            return record("W7", peer, times)

        rows = report.report([about("W7"), hooks("floor", 10), hooks("ropewalk", 15), hooks("strands-ts", 60)])
        self.assertIn("| floor | ropewalk | × floor | strands-ts | × floor | × ropewalk |", rows)
        self.assertIn("| 10 sync | 10.0 | 15.0 | 1.50× | 60.0 | 6.00× | 4.00× |", rows)

    def test_instructions_stand_side_by_side(self):
        counted = [record("W9", peer, {}, "cold", instructions=count) for peer, count in [("floor/ct", 200), ("rig/ct", 900)]]
        self.assertIn("| cold start | 200 | 900 | 4.50× |", report.report([about("W9"), *counted]))

    def test_sessions_are_compared_with_those_of_the_same_kind(self):
        def sessions(peer, tag, micros):
            at = {length: {"cpu_us": micros, "median_us": micros, "mean_us": micros} for length in figures.LENGTHS}
            whole = {"restore_us": 1e3 * micros, "restore_cpu_us": 1e3 * micros, "messages": 4, "files": 1, "bytes": 800}
            return record("W8", peer, at | whole, tag)

        text = report.report([
            about("W8"), sessions("floor/sessions", "file, buffered", 2), sessions("floor/sessions", "sqlite, buffered", 20),
            sessions("ropewalk/full", "file, buffered", 6), sessions("ropewalk/full", "sqlite, buffered", 30),
            sessions("strands-py", "disk", 12),
        ])
        for row in [
            "| ropewalk/full (file, buffered) | 6.00 [6.00] | 3.00× | 1.00× |",
            "| ropewalk/full (sqlite, buffered) | 30.0 [30.0] | 1.50× | 1.00× |",
            "| strands-py (disk) | 12.0 [12.0] | 6.00× | 2.00× |",
            "| strands-py (disk) | 12.0 [12.0] | 6.00× | 2.00× | 12.0 [12.0] | 4.00 | 200 | 1.00 |",
        ]:
            self.assertIn(row, text)

    def test_a_workload_that_nobody_had_is_not_there(self):
        self.assertNotIn("## W3", report.report(BOTH))


class Goals(unittest.TestCase):
    def test_a_goal_is_met_or_missed(self):
        met = goals.show(Measured(BOTH))
        self.assertIn("| W2 a cycle, CPU | ≤ 1.30× floor | 1.20 met | – |", met)
        missed = goals.show(Measured([*BOTH, cycles("ropewalk", 9.0, 0.0021), cycles("ropewalk", 9.0, 0.0021)]))
        self.assertIn("| W2 a cycle, CPU | ≤ 1.30× floor | 2.10 **missed** | – |", missed)

    def test_the_full_shape_is_compared_with_the_default_one(self):
        shown = goals.show(Measured([*BOTH, cycles("ropewalk/full", 9.0, 0.0024)]))
        self.assertIn("| W2 full shape, a cycle, CPU | ≤ 1.50× default | 2.00 **missed** | – |", shown)

    def test_without_ropewalk_there_are_none(self):
        self.assertEqual(goals.show(Measured([about("W2"), cycles("floor", 1.0)])), "")


if __name__ == "__main__":
    unittest.main()
