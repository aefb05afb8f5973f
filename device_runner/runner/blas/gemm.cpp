// BLAS's matrix products, for wheels whose portable kernels take them from PyTorch's library.
//
// C := alpha * op(A) * op(B) + beta * C, column-major, op(X) = X, X^T or X^H (BLAS level 3, xGEMM).
// Plain loops: XNNPACK computes what matters, and where an operator does fall out of its delegate,
// the arm64 wheel's own loops are no faster than these.
#include <complex>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace {

template <typename T>
T conjugated(const T& value) {
  if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else {
    return std::conj(value);
  }
}

template <typename T>
T at(const T* matrix, int leading, char op, int row, int column) {
  if (op == 'N' || op == 'n') return matrix[row + static_cast<size_t>(column) * leading];
  const T value = matrix[column + static_cast<size_t>(row) * leading];
  return op == 'C' || op == 'c' ? conjugated(value) : value;
}

template <typename T>
void gemm(const char* op_a, const char* op_b, const int* m, const int* n, const int* k,
          const T* alpha, const T* a, const int* lda, const T* b, const int* ldb, const T* beta,
          T* c, const int* ldc) {
  std::vector<T> sums(static_cast<size_t>(*m > 0 ? *m : 0));
  for (int column = 0; column < *n; ++column) {
    sums.assign(sums.size(), T(0));
    if (*alpha != T(0)) {
      for (int inner = 0; inner < *k; ++inner) {
        const T factor = at(b, *ldb, *op_b, inner, column);
        for (int row = 0; row < *m; ++row) sums[row] += at(a, *lda, *op_a, row, inner) * factor;
      }
    }
    T* out = c + static_cast<size_t>(column) * *ldc;
    // By definition C is not read where beta is zero: it may hold anything.
    for (int row = 0; row < *m; ++row) {
      out[row] = *beta == T(0) ? *alpha * sums[row] : *alpha * sums[row] + *beta * out[row];
    }
  }
}

}  // namespace

#define GEMM(name, T)                                                                            \
  extern "C" __attribute__((visibility("default"))) void name(                                   \
      const char* op_a, const char* op_b, const int* m, const int* n, const int* k,              \
      const T* alpha, const T* a, const int* lda, const T* b, const int* ldb, const T* beta,     \
      T* c, const int* ldc) {                                                                    \
    gemm<T>(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                           \
  }

GEMM(sgemm_, float)
GEMM(dgemm_, double)
GEMM(cgemm_, std::complex<float>)
GEMM(zgemm_, std::complex<double>)
