#include <stdio.h>

int main(void)
{
    fprintf(stderr, "autoglm %s\n", AGLM_VERSION);
    return 2;
}
