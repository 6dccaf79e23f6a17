package testnet

import (
	"errors"
	"os/exec"
	"sync/atomic"
	"syscall"
)

// A process is a child that dies with this process.
type process struct {
	pid    int
	cmd    *exec.Cmd
	done   chan struct{} // closed when it has ended
	killed atomic.Bool   // by kill
	err    error         // why, after done
}

var (
	errDown    = errors.New("the router is down")
	errEndedOK = errors.New("exit status 0")
)

// startProcess starts a child. ended, if any, is called after its end.
func startProcess(cmd *exec.Cmd, ended func()) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = childAttr()
	}
	if err := onSpawner(cmd.Start); err != nil {
		return nil, err
	}
	p := &process{pid: cmd.Process.Pid, cmd: cmd, done: make(chan struct{})}
	go func() {
		if p.err = cmd.Wait(); p.err == nil {
			p.err = errEndedOK
		}
		close(p.done)
		if ended != nil {
			ended()
		}
	}()
	return p, nil
}

// ended reports whether the process has ended, and then why.
func (p *process) ended() (bool, error) {
	select {
	case <-p.done:
		return true, p.err
	default:
		return false, nil
	}
}

// kill ends the process, and returns when it has ended. os.Process never signals
// another process that has got the same id.
func (p *process) kill() {
	p.killed.Store(true)
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) signal(s syscall.Signal) error {
	if p == nil {
		return errDown
	}
	if done, _ := p.ended(); done {
		return errDown
	}
	return p.cmd.Process.Signal(s)
}
