"""The contacts service: a package for each feature, and what they stand on."""

import gc
import os

if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # Nothing made while a function starts is garbage: looking for some costs 17 ms. `runtime` switches it on again.
    gc.disable()
