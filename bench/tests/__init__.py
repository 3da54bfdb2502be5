"""Tests of the driver: `python3 -m unittest discover -t bench bench/tests`."""
