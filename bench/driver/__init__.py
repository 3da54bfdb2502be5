"""Measures Ropewalk beside other libraries. `bench/run` starts it; only Python's own library is needed."""
