package keyring

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

const awsKMS = "aws-kms://"

// awsKey is a key of AWS KMS, named by its ARN or an alias's. What it wraps is what tink-go-awskms wraps; that sits on
// an SDK at the end of its life.
type awsKey struct {
	client *kms.Client
	where  string // "arn:aws:kms:eu-west-1:111122223333:"
	name   string // "key/…" or "alias/…"
}

var awsARN = regexp.MustCompile(`^(arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:)(key/[a-zA-Z0-9-]+|alias/[a-zA-Z0-9/_-]+)$`)

// At most so many bytes are wrapped by one request.
const awsLimit = 4096

func parseAWS(ctx context.Context, s KeyServices, rest string) (service, error) {
	parts := awsARN.FindStringSubmatch(rest)
	if parts == nil {
		return nil, fmt.Errorf("write %sarn:aws:kms:REGION:ACCOUNT:key/ID, or …:alias/NAME", awsKMS)
	}
	settings := []func(*config.LoadOptions) error{config.WithRegion(parts[2]), config.WithRetryMaxAttempts(3)}
	loaded, err := config.LoadDefaultConfig(ctx, append(settings, s.aws...)...)
	if err != nil {
		return nil, fmt.Errorf("read AWS's own settings: %w", err)
	}
	return &awsKey{kms.NewFromConfig(loaded), parts[1], parts[3]}, nil
}

// URI names the key.
func (k *awsKey) URI() string { return awsKMS + k.arn() }

func (k *awsKey) arn() string { return k.where + k.name }

// child is named by an alias: AWS chooses the ids of keys itself.
func (k *awsKey) child(name string) service {
	return &awsKey{k.client, k.where, "alias/cloakroom-" + name}
}

func (k *awsKey) open(context.Context) error { return nil } // wrapping with it tells

// inContext binds to the associated data the way Tink does. It is no secret: AWS writes it into CloudTrail.
func inContext(associatedData []byte) map[string]string {
	if len(associatedData) == 0 {
		return nil
	}
	return map[string]string{"associatedData": hex.EncodeToString(associatedData)}
}

func (k *awsKey) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	if len(plaintext) > awsLimit {
		return nil, fmt.Errorf("%d bytes are too many: AWS wraps %d at most", len(plaintext), awsLimit)
	}
	answer, err := k.client.Encrypt(ctx, &kms.EncryptInput{
		KeyId: aws.String(k.arn()), Plaintext: plaintext, EncryptionContext: inContext(associatedData),
	})
	if err != nil {
		return nil, awsFault(err)
	}
	return answer.CiphertextBlob, nil
}

// DecryptWithContext names the key, although AWS would find it: otherwise any key that the credentials may use would do.
func (k *awsKey) DecryptWithContext(ctx context.Context, wrapped, associatedData []byte) ([]byte, error) {
	if len(wrapped) == 0 {
		return nil, ErrRefused
	}
	answer, err := k.client.Decrypt(ctx, &kms.DecryptInput{
		KeyId: aws.String(k.arn()), CiphertextBlob: wrapped, EncryptionContext: inContext(associatedData),
	})
	if err != nil {
		return nil, awsFault(err)
	}
	return answer.Plaintext, nil
}

// create makes a key and its alias. Who comes second takes the first one's, and gives the own key back.
func (k *awsKey) create(ctx context.Context) error {
	if !strings.HasPrefix(k.name, "alias/") {
		return fmt.Errorf("AWS chooses the ids of keys itself: name the one to make by an alias, %s%salias/NAME: %w", awsKMS, k.where, ErrNoKey)
	}
	made, err := k.client.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("Cloakroom: " + strings.TrimPrefix(k.name, "alias/"))})
	if err != nil {
		return awsFault(err)
	}
	id := made.KeyMetadata.KeyId
	_, err = k.client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String(k.name), TargetKeyId: id})
	if err == nil {
		return nil
	}
	var taken *types.AlreadyExistsException
	if errors.As(err, &taken) {
		err = nil
	}
	if _, again := k.client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: aws.Int32(7)}); again != nil {
		return errors.Join(awsFault(err), fmt.Errorf("key %s was made for nothing, so schedule its deletion: %w", aws.ToString(id), awsFault(again)))
	}
	return awsFault(err)
}

// destroy begins the shortest delay there is, 7 days; until its end the key can be had back, though it opens nothing.
func (k *awsKey) destroy(ctx context.Context) error {
	found, err := k.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(k.arn())})
	if err == nil && found.KeyMetadata.KeyState == types.KeyStatePendingDeletion {
		return nil
	}
	if err == nil {
		_, err = k.client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: found.KeyMetadata.Arn, PendingWindowInDays: aws.Int32(7)})
	}
	if err = awsFault(err); errors.Is(err, ErrNoKey) { // or another process was faster
		return nil
	}
	return err
}

// awsFault says what an error of AWS's means. Its code is kept and its message is not: that may quote the request.
func awsFault(err error) error {
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &api):
		return fmt.Errorf("AWS KMS gave no answer: see whether there are credentials (AWS_PROFILE, AWS_ROLE_ARN, the machine's role), "+
			"and whether the way from here is open: %w", err)
	}
	code, hint := api.ErrorCode(), "see AWS's own log, CloudTrail"
	switch code {
	case "InvalidCiphertextException", "IncorrectKeyException":
		return ErrRefused
	case "NotFoundException":
		return ErrNoKey
	case "KMSInvalidStateException":
		if strings.Contains(api.ErrorMessage(), "pending deletion") {
			return fmt.Errorf("%w: its deletion is scheduled, and can be cancelled until then", ErrNoKey)
		}
		hint = "the key is in no state for this: see it in AWS"
	case "DisabledException":
		hint = "the key is disabled: enable it"
	case "AccessDeniedException":
		hint = "the credentials need kms:Encrypt and kms:Decrypt for the key; to make and destroy keys beside it also kms:CreateKey, " +
			"kms:CreateAlias, kms:DescribeKey and kms:ScheduleKeyDeletion"
	case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId", "IncompleteSignature":
		hint = "the credentials are wrong or have run out, or the clock is: renew them"
	case "ThrottlingException", "LimitExceededException", "KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException":
		hint = "AWS is overloaded or limits how often it is asked: see its status and your quotas"
	}
	return fmt.Errorf("AWS KMS answers %s: %s", code, hint)
}
