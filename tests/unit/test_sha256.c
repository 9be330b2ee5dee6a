#include "base/hash.h"

#include "unit.h"

static void sha_of(const char *text, size_t n, size_t step, char hex[65])
{
    aglm_sha256 s;

    aglm_sha256_init(&s);
    for (size_t i = 0; i < n; i += step)
        aglm_sha256_update(&s, text + i, n - i < step ? n - i : step);
    aglm_sha256_hex(&s, hex);
}

/* The examples of FIPS 180-2, appendix B, and the empty message. */
static void knows_the_examples(void **state)
{
    char hex[65];
    static const char *const two_blocks =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *million = malloc(1000000);

    (void)state;
    sha_of("", 0, 1, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha_of("abc", 3, 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha_of(two_blocks, strlen(two_blocks), 5, hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(million, 'a', 1000000);
    for (size_t step = 1; step < 200; step += 63) {
        sha_of(million, 1000000, step, hex);
        assert_string_equal(hex,
                            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    free(million);
}

/* However the message is cut, and whatever its length, one digest. */
static void pieces_do_not_matter(void **state)
{
    unsigned char data[300];
    char whole[65];
    char pieces[65];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 37);
    for (size_t n = 0; n <= sizeof data; n++) {
        sha_of((const char *)data, n, n + 1, whole);
        for (size_t step = 1; step < 130; step += 7) {
            sha_of((const char *)data, n, step, pieces);
            assert_string_equal(pieces, whole);
        }
    }
    assert_string_equal(whole, "87adbd2a143a221c13024a2de18c12678c5ba8a438fcdd503c6ab14bc856767c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_examples),
        cmocka_unit_test(pieces_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
