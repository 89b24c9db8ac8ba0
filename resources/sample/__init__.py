"""Which files would a company with models in production hand to an auditor? An invented one, for trying and testing.

`python -m resources.sample DIR` writes them; `resources.sample.truth` says what they amount to. See README.md here.
"""
