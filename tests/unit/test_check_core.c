#include "tests/unit/unit.h"

#include "tests/unit/config_fixture.h"

static void peers_are_addresses(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_load(
        f, ARGUMENTS("--core.discovery=static", "--core.peers=10.0.0.1,10.0.0.2:7032,[fd00::1]:6032"), NULL);
    assert_int_equal(f->loaded->config.core.peers.count, 3);
    assert_int_equal(f->loaded->warnings.count, 0);
    config_fixture_must_refuse(f, ARGUMENTS("--core.peers=10.0.0.1,core-2:6032"), NULL,
                               "core.peers: \"core-2:6032\" is no host's address (allowed: address, address:port, "
                               "[IPv6]:port; no names, a row with a name of several addresses is undefined in "
                               "ProxySQL)");
    config_fixture_must_refuse(f, ARGUMENTS("--core.peers=10.0.0.1,FD00::1,fd00:0::1"), NULL,
                               "core.peers: \"fd00:0::1\" is there twice");
    config_fixture_must_load(f, ARGUMENTS("--core.discovery=static", "--core.peers=10.0.0.1:1,10.0.0.1:2"), NULL);
}

static void discovery_needs_what_it_discovers_by(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_refuse(f, ARGUMENTS("--core.discovery=static"), NULL,
                               "core.peers: core.discovery static needs the cores' addresses here");
    config_fixture_must_refuse(f, ARGUMENTS("--core.discovery=dns", "--core.bootstrap_hostname="), NULL,
                               "core.bootstrap_hostname: core.discovery dns needs the name of the cores");
    config_fixture_must_load(f, ARGUMENTS("--core.discovery=dns", "--core.peers=10.0.0.1"), NULL);
    assert_string_equal(f->loaded->warnings.items[0], "core.peers: is not used, core.discovery is not static");
}

#define ELECTION(...) ARGUMENTS("--core.leader_election.enabled", __VA_ARGS__)

static void an_election_needs_times_that_fit(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_load(f, ELECTION("--log.level=INFO"), NULL);
    assert_int_equal(f->loaded->config.core.leader_election.lease_duration, 15);
    config_fixture_must_refuse(f, ELECTION("--core.leader_election.renew_deadline=15"), NULL,
                               "core.leader_election.lease_duration: must be longer than renew_deadline, else two "
                               "cores may lead");
    config_fixture_must_refuse(f, ELECTION("--core.leader_election.retry_period=10"), NULL,
                               "core.leader_election.renew_deadline: must be longer than retry_period");
    config_fixture_must_refuse(f, ELECTION("--core.leader_election.lease_name=My_Lease"), NULL,
                               "core.leader_election.lease_name: \"My_Lease\" is no name of an object (allowed: a-z "
                               "0-9 - .)");
    config_fixture_must_refuse(f, ELECTION("--core.discovery=dns"), NULL,
                               "core.leader_election.enabled: a Lease is an object of the Kubernetes API, so it needs "
                               "core.discovery kubernetes");
    config_fixture_must_load(f, ARGUMENTS("--core.leader_election.renew_deadline=15"), NULL); /* not enabled */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(peers_are_addresses, config_fixture_setup, config_fixture_teardown),
        cmocka_unit_test_setup_teardown(discovery_needs_what_it_discovers_by, config_fixture_setup,
                                        config_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_election_needs_times_that_fit, config_fixture_setup,
                                        config_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
