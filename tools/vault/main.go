// Command vault is a real Vault server with the Transit engine alone, in memory, for tests of hcvault:// keys.
// Its address and root token are printed as one line of JSON; it runs until its standard input closes.
// Nothing it holds outlives it, and it is no part of Cloakroom: its module is its own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"

	log "github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/helper/namespace"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	if err := serve(); err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}

func serve() error {
	logger := log.New(&log.LoggerOptions{Level: log.Error, Output: os.Stderr})
	core, token, err := open(logger)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}})
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"address": "http://" + listener.Addr().String(), "token": token}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return errors.Join(server.Close(), core.Shutdown())
}

// open makes a core, unseals it and mounts Transit.
func open(logger log.Logger) (*vault.Core, string, error) {
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return nil, "", err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical: storage, DisableMlock: true, Logger: logger, BuiltinRegistry: registry{},
		LogicalBackends: map[string]logical.Factory{"transit": transit.Factory},
	})
	if err != nil {
		return nil, "", fmt.Errorf("make the core: %w", err)
	}
	ctx := context.Background()
	initialized, err := core.Initialize(ctx, &vault.InitParams{
		BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}, RecoveryConfig: &vault.SealConfig{},
	})
	if err != nil {
		return nil, "", fmt.Errorf("initialize: %w", err)
	}
	if _, err := core.Unseal(initialized.SecretShares[0]); err != nil {
		return nil, "", fmt.Errorf("unseal: %w", err)
	}
	mount := &logical.Request{
		Operation: logical.UpdateOperation, ClientToken: initialized.RootToken,
		Path: "sys/mounts/transit", Data: map[string]any{"type": "transit"},
	}
	if _, err := core.HandleRequest(namespace.RootContext(ctx), mount); err != nil {
		return nil, "", fmt.Errorf("mount transit: %w", err)
	}
	return core, initialized.RootToken, nil
}

// registry knows Transit and nothing else.
type registry struct{}

func (registry) Contains(name string, kind consts.PluginType) bool {
	return name == "transit" && kind == consts.PluginTypeSecrets
}

func (r registry) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	return nil, false
}

func (registry) Keys(kind consts.PluginType) []string {
	if kind == consts.PluginTypeSecrets {
		return []string{"transit"}
	}
	return nil
}

func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

func (r registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
