package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// process is a program we started and must see the end of.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended
	err  error         // what Wait said; read it after done
}

// start begins cmd in a process group of its own: Ctrl-C at a terminal then reaches devenv alone, which lets the
// command drain before it takes the servers away. The kernel sends onDeath when devenv dies without a chance to.
// It must be called from the main goroutine (see init).
func start(name string, cmd *exec.Cmd, onDeath syscall.Signal) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithUs(cmd.SysProcAttr, onDeath)
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// ended reports whether the program is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the program to end with sig and kills its whole group when it has not after grace.
func (p *process) stop(sig syscall.Signal, grace time.Duration) {
	if p.ended() {
		return
	}
	_ = p.cmd.Process.Signal(sig) // it may have ended since: then there is nothing to ask
	select {
	case <-p.done:
	case <-time.After(grace):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// stopGroup ends what a finished program left in its group: politely, then not.
func (p *process) stopGroup(grace time.Duration) {
	group := -p.cmd.Process.Pid
	if syscall.Kill(group, syscall.SIGTERM) != nil {
		return // the usual case: nobody is left
	}
	limit := time.After(grace)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for syscall.Kill(group, 0) == nil {
		select {
		case <-look.C:
		case <-limit:
			_ = syscall.Kill(group, syscall.SIGKILL)
			return
		}
	}
}

// runTool runs a program that ends by itself, such as initdb or npm. A failure carries the last lines it printed.
func runTool(ctx context.Context, name string, cmd *exec.Cmd) error {
	var printed tail
	if cmd.Stdout == nil {
		cmd.Stdout = &printed
	}
	cmd.Stderr = &printed
	p, err := start(name, cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.stop(syscall.SIGTERM, 5*time.Second)
		return fmt.Errorf("%s was interrupted: %w", name, context.Cause(ctx))
	}
	if p.err != nil {
		return fmt.Errorf("%s failed: %w%s", name, p.err, printed.lines(8))
	}
	return nil
}

// exitCode is the code a shell would report for an ended program: its own, or 128 and the signal that ended it.
func exitCode(err error) int {
	var exit *exec.ExitError
	if err == nil {
		return 0
	}
	if !errors.As(err, &exit) {
		return 1
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}
