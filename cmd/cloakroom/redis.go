package main

import (
	"errors"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is asked once and not for long: whatever it does not answer comes from PostgreSQL.
const (
	redisTimeout   = time.Second
	redisNoRetries = -1
)

var errRedisURL = errors.New("REDIS_URL is not a Redis URL: redis://user:password@host:port/0; " +
	"a cluster's has further nodes as ?addr=host:port, a sentinel's has ?master_name=NAME")

// openRedis makes the client of one server, of a cluster (?addr=…) or behind sentinels (?master_name=…).
func openRedis(text string) (redis.UniversalClient, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errRedisURL // url's own error quotes the text, password included
	}
	switch {
	case u.Query().Has("master_name"):
		return openSentinel(text)
	case u.Query().Has("addr"):
		return openCluster(text)
	}
	options, err := redis.ParseURL(text)
	if err != nil {
		return nil, errRedisURL
	}
	options.MaxRetries, options.DialerRetries = redisNoRetries, 1
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	return redis.NewClient(options), nil
}

func openCluster(text string) (redis.UniversalClient, error) {
	options, err := redis.ParseClusterURL(text)
	if err != nil {
		return nil, errRedisURL
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	return redis.NewClusterClient(options), nil
}

func openSentinel(text string) (redis.UniversalClient, error) {
	options, err := redis.ParseFailoverURL(text)
	if err != nil {
		return nil, errRedisURL
	}
	options.MaxRetries, options.DialerRetries = redisNoRetries, 1
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	return redis.NewFailoverClient(options), nil
}
