"""What is made of the numbers that programs give."""
import unittest

from driver import figures
from driver.figures import Measured
from tests.records import conversation, cycles, record


class Figures(unittest.TestCase):
    def test_the_first_run_of_several_is_left_out(self):
        measured = Measured([cycles("floor", 9.0, 0.001, 0.003)])
        self.assertEqual(measured.median(figures.CYCLE_CPU, "W2", "floor"), 20)
        self.assertEqual(measured.samples(figures.CYCLE_FIRST, "W2", "floor"), [90_000])

    def test_one_run_counts(self):
        measured = Measured([cycles("floor", 0.002)])
        self.assertEqual(measured.median(figures.CYCLE_CPU, "W2", "floor"), 20)

    def test_the_median_is_over_the_runs_of_all_processes(self):
        measured = Measured([cycles("floor", 9.0, 0.001, 0.001), cycles("floor", 9.0, 0.002), cycles("rig", 9.0, 0.5)])
        self.assertEqual(measured.median(figures.CYCLE_CPU, "W2", "floor"), 10)

    def test_what_was_not_measured_has_no_median(self):
        measured = Measured([cycles("floor", 0.002)])
        self.assertIsNone(measured.median(figures.CYCLE_CPU, "W2", "rig"))
        self.assertIsNone(measured.median(figures.CYCLE_CPU, "W2", "floor", "in process"))

    def test_parts_of_a_conversation_are_differences_of_its_marks(self):
        marks = [[1, 0.0, 0.0], [100, 1.0, 0.99], [201, 3.0, 4.0], [300, 5.0, 5.98]]
        measured = Measured([conversation("floor", marks)])
        self.assertAlmostEqual(measured.median(figures.HISTORY_FIRST, "W3", "floor"), 10_000)
        self.assertAlmostEqual(measured.median(figures.HISTORY_LAST, "W3", "floor"), 20_000)
        self.assertAlmostEqual(measured.median(figures.HISTORY_GROWTH, "W3", "floor"), 2)
        # It has no mark behind its 401st cycle.
        self.assertIsNone(measured.median(figures.HISTORY_MIDDLE, "W3", "floor"))

    def test_instructions_are_those_of_what_a_run_has_more(self):
        counted = [("cycles 50", 1_000), ("cycles 150", 5_000), ("cycles 150", 7_000)]
        measured = Measured([record("W9", "floor/ct", {}, tag, instructions=count) for tag, count in counted])
        self.assertEqual(measured.instructions("floor/ct", "cycles 150", "cycles 50", 100), 50)
        self.assertIsNone(measured.instructions("floor/ct", "chunks 10000", "chunks 2000", 8_000))

    def test_memory_is_that_of_an_agent(self):
        measured = Measured([record("W6", "rig", {"before_kb": 1_000, "after_kb": 3_000, "agents": 1_000})])
        self.assertEqual(measured.median(figures.IDLE_KB, "W6", "rig"), 2)


if __name__ == "__main__":
    unittest.main()
