// Command tinkv1 speaks for github.com/google/tink/go v1.7.0, the archived ancestor of the Tink that
// keyring uses, so that a test can prove that each opens what the other wrote.
// A JSON list of cases comes in on standard input; the same list goes out on standard output, filled.
// Nothing else of the product may import either this program or that module: linked into one binary the
// two Tinks register the same protobuf names and panic, which is why this is a process of its own.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/tink/go/aead"
	"github.com/google/tink/go/daead"
	"github.com/google/tink/go/insecurecleartextkeyset"
	"github.com/google/tink/go/keyset"
	"github.com/google/tink/go/prf"
	tinkpb "github.com/google/tink/go/proto/tink_go_proto"
	"github.com/google/tink/go/tink"
)

// exchange is a master key and what was done with keysets it wraps. Byte fields are base64 in JSON.
type exchange struct {
	Master []byte `json:"master"` // Tink keyset, binary, in clear; "fill" makes one when it is empty
	Cases  []item `json:"cases"`
}

// item is one keyset, wrapped, and one thing done with it.
type item struct {
	Primitive   string `json:"primitive"` // aead, daead or prf
	WrapContext []byte `json:"wrap_context"`
	Keyset      []byte `json:"keyset"` // Tink EncryptedKeyset, binary
	Input       []byte `json:"input"`
	Context     []byte `json:"context"` // associated data of aead and daead
	Output      []byte `json:"output"`  // ciphertext, or 16 bytes of the PRF
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "tinkv1:", err)
		os.Exit(1)
	}
}

// run does "fill", which makes what is missing, or "check", which opens what is there and fails when
// anything does not open to what it should.
func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 || (args[0] != "fill" && args[0] != "check") {
		return errors.New("usage: tinkv1 fill|check < cases.json")
	}
	var x exchange
	if err := json.NewDecoder(in).Decode(&x); err != nil {
		return fmt.Errorf("read cases: %w", err)
	}
	master, err := x.master()
	if err != nil {
		return err
	}
	for i := range x.Cases {
		do := x.Cases[i].check
		if args[0] == "fill" {
			do = x.Cases[i].fill
		}
		if err := do(master); err != nil {
			return fmt.Errorf("%s case %d (%s): %w", args[0], i, x.Cases[i].Primitive, err)
		}
	}
	return json.NewEncoder(out).Encode(x)
}

// master reads the master key, or makes it.
func (x *exchange) master() (tink.AEAD, error) {
	if len(x.Master) == 0 {
		handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err != nil {
			return nil, fmt.Errorf("make the master key: %w", err)
		}
		var b bytes.Buffer
		if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&b)); err != nil {
			return nil, fmt.Errorf("write the master key: %w", err)
		}
		x.Master = b.Bytes()
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(x.Master)))
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	return aead.New(handle)
}

func (c *item) fill(master tink.AEAD) error {
	templates := map[string]func() *tinkpb.KeyTemplate{
		"aead": aead.AES256GCMKeyTemplate, "daead": daead.AESSIVKeyTemplate, "prf": prf.HMACSHA256PRFKeyTemplate,
	}
	template, ok := templates[c.Primitive]
	if !ok {
		return errors.New("there is no such primitive")
	}
	handle, err := keyset.NewHandle(template())
	if err != nil {
		return fmt.Errorf("make the keyset: %w", err)
	}
	var b bytes.Buffer
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), master, c.WrapContext); err != nil {
		return fmt.Errorf("wrap the keyset: %w", err)
	}
	c.Keyset = b.Bytes()
	c.Output, err = c.do(handle)
	return err
}

// do seals the input, or computes the PRF over it.
func (c *item) do(handle *keyset.Handle) ([]byte, error) {
	switch c.Primitive {
	case "aead":
		p, err := aead.New(handle)
		if err != nil {
			return nil, err
		}
		return p.Encrypt(c.Input, c.Context)
	case "daead":
		p, err := daead.New(handle)
		if err != nil {
			return nil, err
		}
		return p.EncryptDeterministically(c.Input, c.Context)
	case "prf":
		p, err := prf.NewPRFSet(handle)
		if err != nil {
			return nil, err
		}
		return p.ComputePrimaryPRF(c.Input, 16)
	}
	return nil, errors.New("there is no such primitive")
}

func (c *item) check(master tink.AEAD) error {
	other := append([]byte("other"), c.WrapContext...)
	if _, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(c.Keyset)), master, other); err == nil {
		return errors.New("the keyset unwraps in a context that is not its own")
	}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(c.Keyset)), master, c.WrapContext)
	if err != nil {
		return fmt.Errorf("unwrap the keyset: %w", err)
	}
	if c.Primitive != "aead" { // the same input gives the same output
		again, err := c.do(handle)
		if err != nil {
			return err
		}
		if !bytes.Equal(again, c.Output) {
			return errors.New("the output differs")
		}
	}
	if c.Primitive == "prf" {
		return nil
	}
	plaintext, err := c.open(handle)
	if err != nil {
		return fmt.Errorf("open the output: %w", err)
	}
	if !bytes.Equal(plaintext, c.Input) {
		return errors.New("the output opens to something else")
	}
	return nil
}

func (c *item) open(handle *keyset.Handle) ([]byte, error) {
	if c.Primitive == "daead" {
		p, err := daead.New(handle)
		if err != nil {
			return nil, err
		}
		return p.DecryptDeterministically(c.Output, c.Context)
	}
	p, err := aead.New(handle)
	if err != nil {
		return nil, err
	}
	return p.Decrypt(c.Output, c.Context)
}
