"""Seconds as ratios against peers in the same run; counts live in the tests."""
