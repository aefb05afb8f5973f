// What the delivered sources use of org.pytorch:executorch-android 1.4, with its signatures. The
// network is the driver's.
package org.pytorch.executorch

import java.io.Closeable
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

open class Module private constructor(private val numThreads: Int) : Closeable {
    private var destroyed = false

    open fun forward(vararg inputs: EValue): Array<EValue> {
        check(!destroyed && numThreads > 0) { "Module has been destroyed" }
        return arrayOf(EValue.from(network(inputs.single().toTensor())))
    }

    open fun destroy() {
        destroyed = true
        destroyedCount++
    }

    override fun close() = destroy()

    companion object {
        const val LOAD_MODE_FILE = 0
        const val LOAD_MODE_MMAP = 1

        lateinit var network: (Tensor) -> Tensor
        @Volatile var destroyedCount = 0

        @JvmStatic
        @JvmOverloads
        fun load(modelPath: String?, loadMode: Int = LOAD_MODE_FILE, numThreads: Int = 0): Module {
            check(File(requireNotNull(modelPath)).canRead() && loadMode == LOAD_MODE_MMAP)
            return Module(numThreads)
        }
    }
}

class EValue private constructor(private val tensor: Tensor) {
    fun toTensor(): Tensor = tensor

    companion object {
        @JvmStatic fun from(tensor: Tensor): EValue = EValue(tensor)
    }
}

enum class DType { UINT8, FLOAT }

abstract class Tensor internal constructor(private val sides: LongArray) {
    fun shape(): LongArray = sides.copyOf()

    abstract fun dtype(): DType

    open val dataAsFloatArray: FloatArray
        get() = throw IllegalStateException("no float tensor")

    open val dataAsUnsignedByteArray: ByteArray
        get() = throw IllegalStateException("no uint8 tensor")

    private class OfFloats(private val data: FloatBuffer, shape: LongArray) : Tensor(shape) {
        override fun dtype() = DType.FLOAT

        override val dataAsFloatArray: FloatArray
            get() {
                data.rewind()
                return FloatArray(data.remaining()).also { data.get(it) }
            }
    }

    private class OfUnsignedBytes(private val data: ByteBuffer, shape: LongArray) : Tensor(shape) {
        override fun dtype() = DType.UINT8

        override val dataAsUnsignedByteArray: ByteArray
            get() {
                data.rewind()
                return ByteArray(data.remaining()).also { data.get(it) }
            }
    }

    companion object {
        @JvmStatic
        fun allocateByteBuffer(numElements: Int): ByteBuffer =
            ByteBuffer.allocateDirect(numElements).order(ByteOrder.nativeOrder())

        @JvmStatic
        fun allocateFloatBuffer(numElements: Int): FloatBuffer =
            ByteBuffer.allocateDirect(4 * numElements).order(ByteOrder.nativeOrder())
                .asFloatBuffer()

        @JvmStatic
        fun fromBlob(data: FloatBuffer, shape: LongArray): Tensor {
            requireFit(data.isDirect, data.order(), data.capacity(), shape)
            return OfFloats(data, shape)
        }

        @JvmStatic
        fun fromBlobUnsigned(data: ByteBuffer, shape: LongArray): Tensor {
            requireFit(data.isDirect, data.order(), data.capacity(), shape)
            return OfUnsignedBytes(data, shape)
        }

        private fun requireFit(direct: Boolean, order: ByteOrder, count: Int, shape: LongArray) {
            require(direct && order == ByteOrder.nativeOrder())
            require(count.toLong() == shape.fold(1L) { product, side -> product * side })
        }
    }
}
