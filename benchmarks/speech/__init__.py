"""What the speech encoder hears: ``python -m benchmarks.speech``.

Versions of `wenet`, or any graphs of its contract, side by side: agreement with the synthesisers'
own labels on sentences that were never trained on, clean and degraded; agreement with an
independent aligner on recordings of people; silence; cost. The plots show how the mouth moves in
the ten seconds of each test that went worst.
"""
