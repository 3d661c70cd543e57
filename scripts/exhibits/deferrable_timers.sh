#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Exhibit: a hundred periodic programs that no longer wake an idle CPU.

# shellcheck disable=SC1091 # only the guest has it
. /septet/narrate
PATH=$PATH:/septet/kselftest/deferrable_timers

# The first figure of what was just shown.
interrupts() {
	awk '{ print $5; exit }' /tmp/said
}

title "deferrable_timers: timers that never wake an idle CPU"
say "What a CPU that has nothing to do wakes up for anyway, # for five interrupts:"
try "" wakeups -t 2 idle || exit 1

say "" "A hundred programs on that CPU, each once a second, as desktops and phones have them." \
    "A timerfd wakes the CPU for every one of them, and again to stop its tick:"
try before wakeups -t 2 timerfd || exit 1
before=$(interrupts)

say "" "The same with TFD_TIMER_IS_DEFERRABLE: what is due waits until the CPU is awake anyway," \
    "and then all of it runs at once:"
try after wakeups -t 2 -d timerfd || exit 1
after=$(interrupts)

say "" "$before interrupts a second before, $after after."
[ "$after" -le $((before / 5)) ]
