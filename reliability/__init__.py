"""What ddasp stands up to: bad input, faults, load; whether anything is lost, leaks, or is untrue.

    python -m reliability            the rows of `make reliability`, at most 15 minutes on 2 cores
    python -m reliability --quick    a part of each, in a few minutes
    python -m reliability --full     with the long rows of load

A *row* tries one class of things against the real product and says how many it tried, what it
measured, and what did not hold. `harness.py` is what rows are made of; every other file holds rows
that belong together, in a tuple `ROWS`.
"""
