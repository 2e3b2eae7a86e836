package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// cpuSource says where the figures come from.
const cpuSource = "clock_gettime on the server process's CPU clock: user and system time of all its threads, in nanoseconds"

// cpuTime reads another process's CPU clock. /proc/PID/stat says the same in steps of 10 ms, too coarse for a slice of
// one connection. The clock's number is made from the process id as clock_getcpuclockid(3) does.
func cpuTime(pid int) (time.Duration, error) {
	const schedulerClock = 2
	var t syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(^pid<<3|schedulerClock), uintptr(unsafe.Pointer(&t)), 0)
	if errno != 0 {
		return 0, fmt.Errorf("read the CPU clock of process %d: %w", pid, errno)
	}
	return time.Duration(t.Nano()), nil
}

// peakMemory is the most a process had in memory so far, in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	for line := range bytes.Lines(text) {
		if fields := bytes.Fields(line); len(fields) == 3 && string(fields[0]) == "VmHWM:" {
			kilobytes, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("read the memory of process %d: there is no VmHWM", pid)
}
