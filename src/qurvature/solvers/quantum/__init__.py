"""Quantum linear solvers, known by their counts; a new one is one file."""
