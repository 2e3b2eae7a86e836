package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"text/tabwriter"

	"github.com/caarlos0/env/v11"

	"github.com/cloakroom/cloakroom/keyring"
)

// Config is every setting. No other package reads the environment.
type Config struct {
	Listen      string `env:"LISTEN" envDefault:"127.0.0.1:8080" why:"where HTTP is served"`
	DatabaseURL string `env:"DATABASE_URL" secret:"url" why:"Chatwoot's PostgreSQL, which also holds schema cloakroom"`
	RedisURL    string `env:"REDIS_URL" secret:"url" why:"cache of sealed records, and events between replicas"`
	MasterKey   string `env:"MASTER_KEY" secret:"url" why:"the key that wraps every keyset: local-file://, hcvault://, aws-kms:// or gcp-kms://; AWS_* and GOOGLE_* are read by their own libraries"`
	Documents   string `env:"DOCUMENTS" envDefault:"trusted" why:"which documents run: trusted (those of the manifest) or any"`
	Manifest    string `env:"DOCUMENTS_MANIFEST" why:"file of an installation's own documents: JSON, SHA-256 to text"`
	RateLimit   int    `env:"RATE_LIMIT" envDefault:"20000" why:"points a second that come back to each viewer; 0 is no limit"`
	Proxies     string `env:"TRUSTED_PROXIES" why:"addresses and networks of the proxies in front, separated by commas: whom X-Forwarded-For of theirs names is the address that is on record, and that sign-ins are limited by"`
	Jobs        string `env:"JOBS" envDefault:"on" why:"off: this replica serves and leaves scheduled work on keys to the others"`

	KeyRotation    Span `env:"KEY_ROTATION" envDefault:"90d" why:"age at which an account gets new keys by itself; 0s is never"`
	KeyRetention   Span `env:"KEY_RETENTION" envDefault:"30d" why:"how long keys that no row names any more are kept before they are destroyed"`
	KeyReseal      bool `env:"KEY_RESEAL" envDefault:"true" why:"scheduled rotations seal payloads again too, so that old keys can be refused, which dates every rollback"`
	JobRate        int  `env:"JOB_RATE" envDefault:"2000" why:"rows a second of scheduled jobs; 0 is as fast as it goes"`
	EpochLength    Span `env:"EPOCH_LENGTH" envDefault:"30d" why:"how long subject keys are wrapped under one epoch key; 0s is no epochs, and then backups never run out"`
	EpochRetention Span `env:"EPOCH_RETENTION" envDefault:"35d" why:"how long an old epoch is kept before its key is destroyed in the key service: backups older than this open nothing"`

	AuditKey          string `env:"AUDIT_KEY" why:"file of the key that signs checkpoints of the audit trail (cloakroom audit key create); without one it can be rewritten unseen"`
	AuditTrustedKeys  string `env:"AUDIT_TRUSTED_KEYS" why:"file of the public keys whose signatures count, one a line, old ones too; AUDIT_KEY's own by default"`
	AuditDestinations string `env:"AUDIT_DESTINATIONS" secret:"all" why:"where checkpoints go, outside the database, separated by commas: file:///dir, s3://bucket/prefix?region=..., https://..."`

	Providers  string `env:"PROVIDERS" why:"file of the third parties whose tokens are refreshed: JSON, name to client_id, client_secret_file and, where it is not built in, token_url; without one none is"`
	VaultSpool string `env:"VAULT_SPOOL" why:"directory for new tokens that could not be written into the database, sealed, until they can; without one they are lost when that takes long"`

	RailsKeys string `env:"RAILS_ENCRYPTION_KEYS" why:"file of the keys that Rails seals Chatwoot's own columns with, for cloakroom vault import and verify: JSON, mode 0600"`

	LogLevel string `env:"LOG_LEVEL" envDefault:"info" why:"debug, info, warn or error"`

	// These go along with a MASTER_KEY of hcvault://.
	VaultToken     string `env:"VAULT_TOKEN" secret:"all" why:"token for Vault or OpenBao; rather VAULT_TOKEN_FILE, because a token runs out"`
	VaultTokenFile string `env:"VAULT_TOKEN_FILE" why:"file that holds the token, read at every use, so that an agent can renew it"`
	VaultNamespace string `env:"VAULT_NAMESPACE" why:"Vault's namespace, if it has any"`
	VaultCACert    string `env:"VAULT_CACERT" why:"file of the authorities that Vault's certificate is checked against; the system's by default"`

	// These are OpenTelemetry's own: its libraries read them, and more, from the process's environment.
	OTLPEndpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" secret:"url" why:"where spans are sent (OTLP over HTTP), such as http://collector:4318; nowhere by default"`
	OTLPTracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" secret:"url" why:"the same with its path, in place of the other"`
	OTLPHeaders        string `env:"OTEL_EXPORTER_OTLP_HEADERS" secret:"all" why:"sent along with spans, such as the collector's credentials"`
	OTELServiceName    string `env:"OTEL_SERVICE_NAME" envDefault:"cloakroom" why:"the service's name in spans"`
	OTELSampler        string `env:"OTEL_TRACES_SAMPLER" envDefault:"parentbased_always_on" why:"which requests have a span"`
	OTELDisabled       string `env:"OTEL_SDK_DISABLED" envDefault:"false" why:"true sends no spans, whatever the others say"`
}

// readConfig reads the environment, and under it a file of NAME=value lines; all problems are reported at once.
func readConfig(file string) (Config, error) {
	values := make(map[string]string)
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return Config{}, fmt.Errorf("read the settings: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
			if ok && !strings.HasPrefix(name, "#") {
				values[name] = value
			}
		}
	}
	for name, value := range env.ToMap(os.Environ()) {
		values[name] = value
	}
	if err := forLibraries(values); err != nil {
		return Config{}, err
	}
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: values})
	if err != nil {
		return c, fmt.Errorf("read the settings: %w", err)
	}
	return c, c.check()
}

// forLibraries gives the file's settings of OpenTelemetry, AWS and Google to their libraries, which read the
// environment alone.
func forLibraries(values map[string]string) error {
	for name, value := range values {
		prefix, _, _ := strings.Cut(name, "_")
		if _, set := os.LookupEnv(name); set || prefix != "OTEL" && prefix != "AWS" && prefix != "GOOGLE" {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("read the settings: %s: %w", name, err)
		}
	}
	return nil
}

// keyServices is what opens the master key, and every key that follows it.
func (c Config) keyServices() keyring.KeyServices {
	return keyring.KeyServices{
		VaultToken: c.VaultToken, VaultTokenFile: c.VaultTokenFile, VaultNamespace: c.VaultNamespace, VaultCACert: c.VaultCACert,
	}
}

// tracing says that spans are wanted.
func (c Config) tracing() bool {
	return (c.OTLPEndpoint != "" || c.OTLPTracesEndpoint != "") && !strings.EqualFold(c.OTELDisabled, "true")
}

func (c Config) check() error {
	var problems []error
	if c.Documents != "any" && c.Documents != "trusted" {
		problems = append(problems, errors.New("DOCUMENTS must be trusted or any"))
	}
	if c.Jobs != "on" && c.Jobs != "off" {
		problems = append(problems, errors.New("JOBS must be on or off"))
	}
	if c.RateLimit < 0 {
		problems = append(problems, errors.New("RATE_LIMIT must be a number of points from 0 up"))
	}
	for name, endpoint := range map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.OTLPEndpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.OTLPTracesEndpoint} {
		if u, err := url.Parse(endpoint); endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			problems = append(problems, fmt.Errorf("%s must be a URL with http or https, such as http://collector:4318", name))
		}
	}
	if _, err := parseProxies(c.Proxies); err != nil {
		problems = append(problems, err)
	}
	if c.JobRate < 0 {
		problems = append(problems, errors.New("JOB_RATE must be a number of rows from 0 up"))
	}
	if _, ok := logLevels[c.LogLevel]; !ok {
		problems = append(problems, errors.New("LOG_LEVEL must be debug, info, warn or error"))
	}
	return errors.Join(problems...)
}

// need says which settings a command lacks. Migrations open nothing, so that whoever runs them needs no key.
func (c Config) need(migrating bool) error {
	var problems []error
	for _, s := range []struct {
		name, value, hint string
		migrations        bool
	}{
		{"DATABASE_URL", c.DatabaseURL, "postgres://user:password@host:5432/chatwoot", true},
		{"REDIS_URL", c.RedisURL, "redis://host:6379/0", false},
		{"MASTER_KEY", c.MasterKey, "local-file:///etc/cloakroom/master.key or hcvault://vault.example:8200/transit/keys/cloakroom", false},
	} {
		if s.value == "" && (s.migrations || !migrating) {
			problems = append(problems, fmt.Errorf("%s is not set, such as %s; --env-file .cloakroom/env has the demo's", s.name, s.hint))
		}
	}
	return errors.Join(problems...)
}

// ConfigCmd is `cloakroom config`.
type ConfigCmd struct{}

// Run prints the settings.
func (ConfigCmd) Run(app *App) error {
	w := tabwriter.NewWriter(app.Stdout, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SETTING\tVALUE\tDEFAULT\tWHY")
	value := reflect.ValueOf(app.Config)
	for i := range value.NumField() {
		tag := value.Type().Field(i).Tag
		shown := fmt.Sprint(value.Field(i).Interface())
		switch secret := tag.Get("secret"); {
		case secret == "url":
			shown = hideSecret(shown)
		case secret == "all" && shown != "":
			shown = "(set)"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", tag.Get("env"), shown, tag.Get("envDefault"), tag.Get("why"))
	}
	return w.Flush()
}

// hideSecret keeps of a URL what says where, and hides user, password and query; what is no URL, such as
// PostgreSQL's "host=… password=…", is hidden whole.
func hideSecret(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return "(set)"
	}
	u.RawQuery = ""
	if u.User != nil {
		u.User = url.UserPassword("hidden", "hidden")
	}
	return u.String()
}
