package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dieWithUs asks the kernel to send sig to the child when the thread that starts it ends, even by SIGKILL.
func dieWithUs(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }

// followParent ends us when a make or go that runs us ends, since neither passes every signal on. Killed outright,
// it leaves us to the kernel, which then sends us SIGTERM. And a SIGINT or SIGHUP that a script sends to the make
// process alone stays there: GNU make sets the signal back to its default and waits for its children. That change
// is visible in /proc, so we look for it.
func followParent() {
	parent := os.Getppid()
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if err != nil {
		return // no /proc, no help: Ctrl-C at a terminal reaches us all the same
	}
	switch strings.TrimSpace(string(name)) {
	case "make", "gmake":
		go watchHandlers(parent)
	case "go":
	default:
		return // a shell that ends may well mean to leave us running
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil || os.Getppid() != parent {
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM) // it ended before we could ask to be told
	}
}

// watchHandlers gives us the signal that parent got and kept. One that we hear ourselves, as when Ctrl-C reaches the
// whole terminal, ends the watch: the command would otherwise get it twice and take that for "at once".
func watchHandlers(parent int) {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(heard)
	atFirst := caughtSignals(parent)
	var missed syscall.Signal
	for {
		select {
		case <-heard:
			return
		case <-time.After(200 * time.Millisecond):
		}
		if missed != 0 { // a round ago already, and still we heard nothing
			_ = syscall.Kill(os.Getpid(), missed)
			return
		}
		now := caughtSignals(parent)
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP} {
			bit := uint64(1) << (sig - 1)
			if now != 0 && atFirst&bit != 0 && now&bit == 0 {
				missed = sig
			}
		}
	}
}

// caughtSignals is the set of signals a process has a handler for, as the kernel shows it; 0 when it cannot be read.
func caughtSignals(pid int) uint64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if mask, found := strings.CutPrefix(line, "SigCgt:"); found {
			set, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			if err != nil {
				return 0
			}
			return set
		}
	}
	return 0
}
