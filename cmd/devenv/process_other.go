//go:build !linux

package main

import "syscall"

// dieWithUs has no counterpart here: after a SIGKILL of devenv its servers stay, the lock they hold says so at the
// next start, and PostgreSQL's own postmaster.pid protects the data.
func dieWithUs(*syscall.SysProcAttr, syscall.Signal) {}

// followParent has nothing to read here: Ctrl-C at a terminal reaches us all the same.
func followParent() {}
