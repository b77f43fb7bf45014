"""What the cells are measured against: the same done inside the office's own process, with nothing of this project.

The office loads this file as an extension of its own (benchmarks.calc packs it). Standard library and UNO only.
"""

import math
import threading
import time

import unohelper
from com.sun.star.awt import XCallback
from com.sun.star.task import XJob
from org.backprop.benchmark import XPlain

SERVICE = "org.backprop.benchmark"
LATER = 0.3  # seconds: by then whoever asked has begun to look


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


class Functions(unohelper.Base, XPlain):
    """A step of 2-2-2 as few lines of Python as it takes: no other shape, and nothing is checked."""

    def PLAIN_STEP(self, weights, inputs, targets, rate):
        (w1, w2, w3, w4, w5, w6, w7, w8), ((i1, i2),), ((t1, t2),), ((eta,),) = weights[0], inputs, targets, rate
        a1, a2 = sigmoid(w1 * i1 + w2 * i2), sigmoid(w3 * i1 + w4 * i2)
        o1, o2 = sigmoid(w5 * a1 + w6 * a2), sigmoid(w7 * a1 + w8 * a2)
        d1, d2 = (o1 - t1) * o1 * (1 - o1), (o2 - t2) * o2 * (1 - o2)
        e1, e2 = (d1 * w5 + d2 * w7) * a1 * (1 - a1), (d1 * w6 + d2 * w8) * a2 * (1 - a2)
        gradient = (e1 * i1, e1 * i2, e2 * i1, e2 * i2, d1 * a1, d1 * a2, d2 * a1, d2 * a2)
        return (tuple(w - eta * g for w, g in zip(weights[0], gradient)),)


class WriteBlock(unohelper.Base, XJob):
    """Seconds that setDataArray takes for a range's numbers, each of so many times."""

    def execute(self, arguments):
        source, target, times = (argument.Value for argument in arguments)
        numbers, taken = source.getDataArray(), []
        for _ in range(times):
            start = time.perf_counter()
            target.setDataArray(numbers)
            taken.append(time.perf_counter() - start)
        return tuple(taken)


class WriteNumber(unohelper.Base, XCallback):
    """Writes a number into a cell, in the office's own thread, and beside it when that was asked for."""

    def __init__(self, cells, number):
        self.cells, self.number = cells, number

    def notify(self, asked):
        self.cells.setDataArray(((self.number, asked),))


class Post(unohelper.Base, XJob):
    """A bare AsyncCallback from another thread, a moment later."""

    def __init__(self, context):
        self.context = context

    def execute(self, arguments):
        cells, number = (argument.Value for argument in arguments)
        service = "com.sun.star.awt.AsyncCallback"
        poster = self.context.ServiceManager.createInstanceWithContext(service, self.context)
        threading.Timer(LATER, lambda: poster.addCallback(WriteNumber(cells, number), time.time())).start()


g_ImplementationHelper = unohelper.ImplementationHelper()
for name, made in (("Functions", lambda _: Functions()), ("WriteBlock", lambda _: WriteBlock()), ("Post", Post)):
    services = (f"{SERVICE}.{name}", *(("com.sun.star.sheet.AddIn",) if name == "Functions" else ()))
    g_ImplementationHelper.addImplementation(made, f"{SERVICE}.{name}", services)
