/* Prints the instruction set that the library chooses, with as little of the C library as can be: on an emulated
 * processor that lacks one feature, the C library itself may fail. */
#include <pullpush.h>

#include <string.h>
#include <unistd.h>

int main(void)
{
    const char *isa = pullpush_isa();
    return write(STDOUT_FILENO, isa, strlen(isa)) < 0;
}
