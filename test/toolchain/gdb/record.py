"""Runs inside gdb, connected to a guest at its first instruction. Stops wherever gdb puts a breakpoint for a line of
SOURCE, the first HITS times each, and writes to OUTPUT what gdb shows there: every frame and the variables of `bt full`
and `info args`, innermost block first."""

import json
import os

import gdb

SOURCE = os.environ["SOURCE"]
HITS = int(os.environ["HITS"])


def text(value):
    # is_optimized_out is also true of a value that lacks a part, of which `bt full` shows the others.
    return value.format_string(symbols=True, max_elements=200, repeat_threshold=0)


def variables(frame):
    found = []
    block = frame.block()
    while block is not None:
        for symbol in block:
            if not (symbol.is_variable or symbol.is_argument):
                continue
            try:
                value = text(symbol.value(frame))
            except gdb.error as error:
                value = "<error: %s>" % error
            found.append({"name": symbol.name, "argument": symbol.is_argument, "value": value})
        if block.function is not None:
            break
        block = block.superblock
    return found


def frames():
    result = []
    frame = gdb.newest_frame()
    while frame is not None:
        sal = frame.find_sal()
        result.append({
            "function": frame.name(),
            "line": sal.line,
            "inlined": frame.type() == gdb.INLINE_FRAME,
            "variables": variables(frame) if sal.symtab is not None and frame.function() is not None else [],
        })
        frame = frame.older()
    return result


def locations():
    """Line to the addresses at which `break SOURCE:LINE` stops."""
    gdb.execute("list %s:1,1" % SOURCE, to_string=True)
    table = gdb.selected_inferior().progspace.objfiles()[0].lookup_global_symbol("main").symtab.linetable()
    result = {}
    for line in sorted(table.source_lines()):
        point = gdb.Breakpoint("%s:%d" % (SOURCE, line))
        result[line] = sorted({location.address for location in point.locations})
        point.delete()
    return result


places = locations()
points = {address: gdb.Breakpoint("*%#x" % address) for address in {a for l in places.values() for a in l}}
end = gdb.Breakpoint("*semihosting_exit")
hits = {}
stops = []
while True:
    gdb.execute("continue", to_string=True)
    address = gdb.newest_frame().pc()
    if address == end.locations[0].address:
        break
    hits[address] = hits.get(address, 0) + 1
    if hits[address] == HITS:
        points[address].enabled = False
    stops.append({"address": "%#x" % address, "hit": hits[address], "frames": frames()})

with open(os.environ["OUTPUT"], "w") as output:
    json.dump({
        "gdb": gdb.VERSION,
        "hits": HITS,
        "locations": {str(line): ["%#x" % address for address in found] for line, found in places.items()},
        "stops": stops,
    }, output)
