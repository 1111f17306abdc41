"""PyTorch's part of the benchmark: it reads requests from stdin, each a line of JSON, and replies on stdout.

Gradients are set to None before each call, as zero_grad() does by default, so that PyTorch writes a new gradient and does
not add to an old one.
"""

import json
import math
import sys
import time
import warnings

import torch

warnings.simplefilter("ignore")
DTYPES = {"float32": torch.float32, "float64": torch.float64, "int32": torch.int32}
THREADS = torch.get_num_threads()


def read_tensor(spec):
    dtype = DTYPES[spec["dtype"]]
    data = bytearray(sys.stdin.buffer.read(spec["bytes"]))
    tensor = torch.frombuffer(data, dtype=dtype).reshape(spec["shape"])
    # The copy has PyTorch's alignment in memory.
    return tensor.long() if dtype == torch.int32 else tensor.clone()


class Step:
    """Value and gradients of one row."""

    def __init__(self, loss, inputs, wrt):
        self.loss = getattr(torch.nn, loss)()
        self.args = {spec["name"]: read_tensor(spec) for spec in inputs}
        self.leaves = [self.args[name].requires_grad_() for name in wrt]
        self.has_logits = "logits" in self.args

    def __call__(self):
        for leaf in self.leaves:
            leaf.grad = None
        first, *rest = self.args.values()
        if self.has_logits:
            first = torch.log_softmax(first, -1)
        value = self.loss(first, *rest)
        value.backward()
        return value

    def time(self, calls):
        start = time.perf_counter()
        for _ in range(calls):
            self()
        return (time.perf_counter() - start) / calls


def resident(field):
    """Bytes of this process that are resident now (VmRSS) or were at most (VmHWM); NaN where the system does not tell."""
    try:
        with open("/proc/self/status") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith(field))
    except FileNotFoundError:
        return math.nan


def peak(step, calls):
    """The peak of a few calls beside what is resident before them and the gradients, which PyTorch makes itself."""
    if math.isnan(before := resident("VmRSS")):
        return None
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    for _ in range(calls):
        step()
    gradients = sum(leaf.grad.numel() * leaf.grad.element_size() for leaf in step.leaves)
    return resident("VmHWM") - before - gradients


def reply(message, blobs=()):
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    for blob in blobs:
        sys.stdout.buffer.write(blob)
    sys.stdout.buffer.flush()


def main():
    step = None
    reply({"version": torch.__version__, "threads": THREADS})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["do"] == "load":
            step = None  # free memory before the next row needs it
            step = Step(request["loss"], request["inputs"], request["wrt"])
            reply({})
        elif request["do"] == "time":
            torch.set_num_threads(request["threads"] or THREADS)
            reply({"seconds": step.time(request["calls"])})
        elif request["do"] == "cpu":
            reply({"seconds": time.process_time()})
        elif request["do"] == "peak":
            reply({"bytes": peak(step, request["calls"])})
        elif request["do"] == "answer":
            value = step().item()
            reply({"value": value}, [leaf.grad.numpy().tobytes() for leaf in step.leaves])


main()
