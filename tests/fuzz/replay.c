/* replay.c - runs a fuzz target over the files of its corpus, and over no bytes at all, without
 * libFuzzer. usage: replay_NAME FOLDER */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

/* The bytes are copied to a block of exactly their size, so that the sanitizer sees a read past it.
 */
static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes = NULL;
    int rc = 1;

    if (!f || fstat(fileno(f), &st) != 0)
        goto out;
    bytes = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
    if (!bytes || fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
        goto out;
    LLVMFuzzerTestOneInput(bytes, (size_t)st.st_size);
    rc = 0;
out:
    if (rc)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    if (f)
        fclose(f);
    free(bytes);
    return rc;
}

int main(int argc, char **argv)
{
    struct dirent **names = NULL;
    int n = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1;
    int ran = 0;
    int rc = 0;

    if (n < 0) {
        fprintf(stderr, "usage: %s FOLDER (with the corpus)\n", argv[0]);
        return 2;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 0; i < n; i++) {
        char path[4096];

        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            rc |= replay_file(path);
            ran++;
        }
        free(names[i]);
    }
    free(names);
    printf("%d inputs\n", ran);
    return ran == 0 ? 1 : rc;
}
